"""What the tools say about themselves goes to stderr, one line each."""
import sys


def say(text: str) -> None:
    """Prints one line about what is being done; stdout stays free for programs' output."""
    try:
        print(f"astrata: {text}", file=sys.stderr, flush=True)
    except OSError:
        pass  # a closed stderr is no reason to fail
