"""Test doubles for the tools' own tests."""
