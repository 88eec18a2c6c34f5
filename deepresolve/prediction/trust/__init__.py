"""How far a prediction can be trusted: what is written beside it.

`docs/trust.md` tells what each number means and what none of them can tell.
"""
