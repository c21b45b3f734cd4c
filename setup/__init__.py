"""Prepare a machine: what `make setup` runs, before anything of Rasai can be imported. Standard library only.

Each step looks first and does nothing when there is nothing to do, so that the second start takes a moment. A step that
cannot go on raises `SetupStopped`, whose sentence says what to do.
"""
