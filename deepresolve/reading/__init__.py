"""A blinded reader study: readers score and rank image sets side by side in a browser.

`prepare` blinds the volumes of an evaluation and seals the key, `serve` shows them,
`analyse` opens the key.
"""
