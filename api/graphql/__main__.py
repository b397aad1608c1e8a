"""`python -m api.graphql` writes the schema definition to standard output."""

import sys

from api.graphql.schema import sdl

sys.stdout.write(sdl())
