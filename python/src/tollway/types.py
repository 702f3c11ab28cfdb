"""The shapes of arguments, for type checkers."""

from ._arguments import *
from ._shapes import *
