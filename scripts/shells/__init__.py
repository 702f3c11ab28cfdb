"""Writes the shells' types from the schema, one emitter for each language."""
