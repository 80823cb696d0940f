"""Errors that end a command with one clear line instead of a traceback."""


class CommandError(Exception):
    """Printed as `astrata: MESSAGE` on stderr; `status` becomes the exit status."""

    status = 1


class UsageError(CommandError):
    """What was asked for cannot be: unknown option, missing file, a machine that is not supported."""

    status = 2


class MachineError(CommandError):
    """The virtual machine, not the program in it, failed: it did not start, crashed, or refused the program."""

    status = 125
