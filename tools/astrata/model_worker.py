"""Checks one model: `model_worker.py FILE`. Every reachable state of FILE, a Promela model, is looked at; and so is the model with
BROKEN defined, in which a mistake must be found, or the model would prove nothing."""
import os
import subprocess
import sys

sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

from astrata.temporary import temporary_folder  # noqa: E402  (the path has to be set first)


def check(model: str, *definitions: str) -> str:
    """What the checker says; a CalledProcessError if it could not be made."""
    with temporary_folder("model") as folder:
        subprocess.run(["spin", *definitions, "-a", model], cwd=folder, check=True)
        # Assertions and deadlocks; a state vector larger than memory allows would end with an error too.
        subprocess.run(["cc", "-O1", "-w", "-DSAFETY", "-DMEMLIM=1024", "-o", "checker", "pan.c"], cwd=folder, check=True)
        return subprocess.run(["./checker", "-m200000"], cwd=folder, stdout=subprocess.PIPE, text=True, check=False).stdout


def main(model: str) -> int:
    sound = check(model)
    print(sound)
    if "errors: 0" not in sound or "max search depth too small" in sound or "out of memory" in sound:
        print("the model can reach a state that it must not, or not all states were seen")
        return 1
    broken = check(model, "-DBROKEN")
    if "errors: 0" in broken:
        print(broken)
        print("with BROKEN defined no mistake was found: the model shows nothing")
        return 1
    return 0


sys.exit(main(os.path.abspath(sys.argv[1])))
