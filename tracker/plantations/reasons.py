"""What evidence says, in everybody's language. Records hold the English words; pages show these."""

from flask_babel import lazy_gettext as _l

# by the words that stand in records (geo/evidence)
REASONS = {
    "too small": _l("Too small: too few whole pixels lie inside to tell it from the land beside it."),
    "no comparable land": _l("No comparable land: too little land around was like it before planting."),
    "too few dates": _l("Too few dates: too few clear days before or after planting."),
    "too few dates: no usable scene shows the whole of it": _l("Too few dates: no usable scene shows all of it."),
    "no planting date is claimed": _l("No planting date was claimed, so that before and after cannot be told apart."),
    "already diverging before planting": _l("It was already becoming different from the land around before planting."),
    "greener than its like; cause unknown": _l("Greener than comparable land; why cannot be seen."),
    "gain as the claimed trees would give": _l("It became greener than comparable land, as the claimed trees would."),
    "no clear gain, and nothing says what to expect": _l("No clear gain, and nothing tells what to expect."),
    "gain below half of what the claimed trees would give": _l(
        "It gained less than half of what the claimed trees would have given."
    ),
    "too young": _l("Too young: satellites cannot see whether such young trees were planted. Send someone."),
    "too noisy": _l("Too noisy: the land around varies too much to tell."),
    "trees stood here before planting": _l("Trees stood here before planting."),
    "open land in all the years before planting that are covered": _l("Open land in all years that scenes cover."),
    "partly trees before planting": _l("Partly trees before planting."),
    "the land-cover layer and the scenes contradict each other": _l("Land-cover layer and scenes contradict."),
    "too few dates before planting in each season, and no land-cover layer": _l(
        "Too few clear days before planting in each season, and no land-cover layer."
    ),
    "too few dates before planting": _l("Too few clear days before planting."),
    "bare against the land around, around the day of planting": _l("Bare beside the land around when it was planted."),
    "no bare ground seen around planting; pits leave no mark": _l("No bare ground seen; planting pits leave no mark."),
    "too few dates around planting": _l("Too few clear days around planting."),
    "a sudden loss of green since planting": _l("A sudden loss of green since planting: fire, clearing or cutting."),
    "no short-wave infrared: fire on dry ground would not be seen": _l(
        "The scenes have no short-wave infrared: fire on dry ground would not be seen."
    ),
    "no fire seen, no clearing above 0.10": _l("No fire and no clearing seen."),
    "too few dates in the last year": _l("Too few clear days in the last year."),
    "open water": _l("Open water."),
    "built-up land": _l("Built-up land."),
    "nothing has grown here in any season": _l("Nothing has grown here in any season."),
    "neither water nor built-up nor barren": _l("Neither water nor built-up nor barren."),
    "no layer of built-up land is loaded": _l("No layer of built-up land is loaded."),
    "partly water, built-up or barren": _l("Partly water, built-up or barren."),
}
