"""Answers about the series of an exam, combined into one: fitted, tried, applied."""
