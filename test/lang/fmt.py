"""`gradus fmt` on every spec of the tree: what it writes is a fixpoint, keeps every comment and the same program, and does not depend on the
blanks that it finds. usage: fmt.py GRADUS ROOT

Works on a copy of the tree's specs, so that imports are found. Specs with syntax errors are left as they are."""

import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

gradus, root = sys.argv[1], pathlib.Path(sys.argv[2])
faults = []


def run(*arguments):
    return subprocess.run([gradus, *map(str, arguments)], capture_output=True, text=True)


def copy_specs(folder):
    """The specs of the tree below a folder, by their paths in it."""
    for top in 'examples', 'lang', 'test':
        for path in (root / top).rglob('*.grad'):
            target = folder / path.relative_to(root)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)
    return sorted(path.relative_to(folder) for path in folder.rglob('*.grad'))


def program_of(spec):
    """What the front end makes of a spec; the texts of claims, which are those of the spec, without their blanks."""
    done = run('emit', spec)
    return done.returncode, re.sub(r'\\0A|\s', '', done.stdout)


def comments_of(text):
    """Found without the compiler's own lexer: from // to the end of the line, outside of quotes."""
    return sorted(found.group(1).rstrip() for found in re.finditer(r'(?:"[^"\n]*"|[^"/\n]|/(?!/))*(//[^\n]*)', text))


def widen(text):
    """The same words with three blanks for each one, and more before each line; texts in quotes and comments as they are."""
    def wide(line):
        pieces = re.split(r'("[^"]*"|//.*)', line)
        return '   ' + ''.join(piece if k % 2 else re.sub(r' +', '   ', piece) for k, piece in enumerate(pieces))
    # A unit begins in the first column.
    return '\n'.join(line if not line.startswith(' ') else wide(line) for line in text.split('\n'))


with tempfile.TemporaryDirectory() as name:
    given, wide = pathlib.Path(name) / 'given', pathlib.Path(name) / 'wide'
    specs = copy_specs(given)
    copy_specs(wide)
    # What cannot be parsed is told by name; bad specs that only mean nothing are formatted like all others.
    told = run('fmt', '--check', *(given / spec for spec in specs))
    broken = {line.split(':')[0] for line in told.stderr.splitlines() if re.match(r'/.*: error\[', line)}
    sound = [spec for spec in specs if str(given / spec) not in broken]
    assert len(sound) > 500 and broken, (len(sound), len(broken))
    before = {spec: (given / spec).read_text() for spec in sound}
    for spec in sound:
        (wide / spec).write_text(widen(before[spec]))
    for folder in given, wide:
        done = run('fmt', *(folder / spec for spec in sound))
        if done.returncode or done.stderr:
            faults.append(done.stderr)
    again = run('fmt', '--check', *(given / spec for spec in sound))
    faults += [f'no fixpoint: {line}' for line in again.stdout.splitlines()]
    changed = 0
    for spec in sound:
        after = (given / spec).read_text()
        if comments_of(after) != comments_of(before[spec]):
            faults.append(f'{spec}: the comments are others')
        if (wide / spec).read_text() != after:
            faults.append(f'{spec}: blanks in the text changed the layout')
        if after == before[spec]:
            continue
        changed += 1
        if program_of(root / spec) != program_of(given / spec):
            faults.append(f'{spec}: the program is another')

print('\n'.join(faults) or f'{len(sound)} specs formatted, {changed} of them changed, {len(broken)} left with syntax errors')
sys.exit(bool(faults))
