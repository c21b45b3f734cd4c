"""Daily target areas: a round's settlements shared out to teams and days; balanced, walkable, in one piece.

Pure functions over arrays. `planning.plan` makes a plan, `replanning.replan` takes what was left over into the days
that remain, `measures` says how good a plan is and what it is short of. The figures are those of the campaign's
`Rules`.
"""
