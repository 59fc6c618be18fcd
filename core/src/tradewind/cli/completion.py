"""``tradewind completion``: a script that completes nouns, verbs, options and their fixed values in the user's shell."""

from __future__ import annotations

import argparse
from dataclasses import dataclass

from tradewind.cli.invocation import Invocation
from tradewind.cli.nouns import NOUNS, commands_of
from tradewind.cli.parser import Command, Parser


@dataclass(frozen=True, slots=True)
class _Words:
    """What can follow ``tradewind <noun> <verb>``."""

    noun: str
    verb: str
    about: str
    options: tuple[str, ...]
    choices: tuple[tuple[str, tuple[str, ...]], ...]


def _all_words() -> list[_Words]:
    found = []
    for noun in NOUNS:
        for command in commands_of(noun):
            parser = Parser(f"{noun} {command.name}".strip())
            command.declare(parser)
            choices = tuple((option, tuple(values)) for option, values in parser.choices_of().items())
            found.append(_Words(noun, command.name, command.help, tuple(parser.options()), choices))
    return found


def bash() -> str:
    """The script for bash; zsh reads it too, by its own bashcompinit."""
    words = _all_words()
    lines = [
        "_tradewind() {",
        '    local current="${COMP_WORDS[COMP_CWORD]}" previous="${COMP_WORDS[COMP_CWORD-1]}"',
        '    local noun="${COMP_WORDS[1]}" verb="${COMP_WORDS[2]}" words=""',
        '    if [ "$COMP_CWORD" -eq 1 ]; then',
        f'        COMPREPLY=($(compgen -W "{" ".join(NOUNS)}" -- "$current"))',
        "        return",
        "    fi",
        '    case "$noun $verb $previous" in',
    ]
    for one in words:
        verb = one.verb or "*"
        for option, values in one.choices:
            pattern = f'"{one.noun} {verb} {option}"' if one.verb else f'"{one.noun} "*" {option}"'
            lines.append(
                f'        {pattern}) COMPREPLY=($(compgen -W "{" ".join(values)}" -- "$current")); return ;;'
            )
    lines += ["    esac", '    case "$noun" in']
    for noun in NOUNS:
        mine = [one for one in words if one.noun == noun]
        if mine[0].verb == "":
            lines.append(f'        {noun}) words="{" ".join(mine[0].options)}" ;;')
            continue
        lines += [f"        {noun})", '            if [ "$COMP_CWORD" -eq 2 ]; then']
        lines.append(f'                words="{" ".join(one.verb for one in mine)}"')
        lines += ["            else", '                case "$verb" in']
        lines += [f'                    {one.verb}) words="{" ".join(one.options)}" ;;' for one in mine]
        lines += ["                esac", "            fi ;;"]
    lines += [
        "    esac",
        '    COMPREPLY=($(compgen -W "$words" -- "$current"))',
        '    if [ -z "$words" ] || [ ${#COMPREPLY[@]} -eq 0 ]; then',
        '        COMPREPLY=($(compgen -f -- "$current"))',
        "    fi",
        "}",
        "complete -o filenames -F _tradewind tradewind",
    ]
    return "\n".join(lines) + "\n"


def zsh() -> str:
    """The script for zsh."""
    return "autoload -U +X bashcompinit && bashcompinit\n" + bash()


def fish() -> str:
    """The script for fish."""
    lines = [
        f"complete -c tradewind -n __fish_use_subcommand -f -a {noun} -d {_quoted(NOUNS[noun][1])}"
        for noun in NOUNS
    ]
    for one in _all_words():
        within = f"__fish_seen_subcommand_from {one.noun}"
        if one.verb:
            verbs = " ".join(command.name for command in commands_of(one.noun))
            before = f"{within}; and not __fish_seen_subcommand_from {verbs}"
            lines.append(
                f"complete -c tradewind -n {_quoted(before)} -f -a {one.verb} -d {_quoted(one.about)}"
            )
            within += f"; and __fish_seen_subcommand_from {one.verb}"
        values = dict(one.choices)
        for option in one.options:
            given = f" -x -a {_quoted(' '.join(values[option]))}" if option in values else ""
            lines.append(f"complete -c tradewind -n {_quoted(within)} -l {option.removeprefix('--')}{given}")
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


SHELLS = {"bash": bash, "zsh": zsh, "fish": fish}


def _shell(text: str) -> str:
    if text not in SHELLS:
        raise argparse.ArgumentTypeError(f"{text!r} is none of {', '.join(SHELLS)}")
    return text


def _declare(parser: Parser) -> None:
    parser.place("shell", "bash, zsh or fish", kind=_shell)


def _completion(invocation: Invocation, given: argparse.Namespace) -> None:
    invocation.printer.line(SHELLS[given.shell]().removesuffix("\n"))


COMMANDS = (
    Command(
        "",
        'write a script for your shell; in bash: eval "$(tradewind completion bash)"',
        _declare,
        _completion,
    ),
)
