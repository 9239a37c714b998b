"""SHOW: results as text, tables, JSON and pictures."""
