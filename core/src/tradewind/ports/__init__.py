"""WHAT THE CORE NEEDS FROM OUTSIDE: one small interface a file, no implementation."""
