"""What pages call kinds, groups, severities, verdicts and questions."""

from flask_babel import lazy_gettext as _l

KIND_WORDS = {
    "block": _l("block planting"), "enclosure": _l("enclosure"), "farm_forestry": _l("farm forestry"),
    "linear": _l("row planting"), "nursery": _l("nursery"),
}  # fmt: skip
GROUP_WORDS = {
    "planting": _l("Planting"), "regeneration": _l("Natural regeneration"), "farm_forestry": _l("Farm forestry"),
    "kind_not_told": _l("Kind not told"),
}  # fmt: skip
SEVERITY_WORDS = {"warn": _l("to note"), "doubt": _l("doubtful"), "reject": _l("grave")}
SEVERITY_SYMBOLS = {"warn": "not_started", "doubt": "doubtful", "reject": "missed"}
VERDICT_WORDS = {
    "supports": _l("supports the claim"), "contradicts": _l("contradicts the claim"),
    "cannot tell": _l("cannot tell"),
}  # fmt: skip
VERDICT_SYMBOLS = {"supports": "covered", "contradicts": "missed", "cannot tell": "not_started"}
QUESTION_WORDS = {
    "gain": _l("Is the ground greener than its like, since planting?"),
    "open_before": _l("Was it open land before?"),
    "prepared": _l("Was the ground worked for planting?"),
    "kept": _l("Has it been kept from fire and clearing?"),
    "plantable": _l("Is it ground on which trees can stand?"),
}
