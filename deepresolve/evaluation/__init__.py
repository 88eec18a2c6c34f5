"""Measures trained networks on held-out subjects: numbers, tests, tables, figures."""
