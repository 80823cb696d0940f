"""Entry point: `python3 -I -S tools/astrata ARGUMENTS`, as ./astrata calls it."""
import sys

# Run as a folder, only this folder is on the path; the package is found from the one above.
sys.path[0] = sys.path[0].rsplit("/", 1)[0]

from astrata.command_line import main  # noqa: E402  (the path has to be set first)

sys.exit(main(sys.argv[1:]))
