"""Schemas of JSON bodies and query strings.

They define /openapi.json: each field's meaning, unit, range and an example.

May import: nothing.
"""
