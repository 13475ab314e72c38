"""Everything that goes in and out as JSON, and the options in a query string.

What is written here is what /openapi.json tells: each field with what it means, its unit, its range
and an example.

May import: nothing.
"""
