"""The server lives on every spec of the tree as it is while somebody types it: cut off at several places, with the questions that an editor asks
there. usage: prefixes.py GRADUS ROOT [CUTS]. Where each spec is cut is chosen by its name, so that a run can be repeated."""

import pathlib
import random
import sys

from client import Client

gradus, root, cuts = sys.argv[1], pathlib.Path(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 3


def texts():
    """Every spec of the tree that an editor could show: one that is no UTF-8 cannot be sent."""
    for path in sorted(path for folder in ('examples', 'lang', 'test') for path in (root / folder).rglob('*.grad')):
        data = path.read_bytes()
        if b'\0' in data or len(data) > 1 << 20:
            continue
        try:
            yield path, data.decode()
        except UnicodeDecodeError:
            continue


client = Client(gradus)
client.initialize()
count = specs = 0
for path, text in texts():
    specs += 1
    uri = client.open(path, text)
    client.wait_for(uri, 1)
    chosen = random.Random(str(path.relative_to(root)))
    for cut in sorted(chosen.sample(range(len(text) + 1), min(cuts, len(text)))):
        count += 1
        part = text[:cut]
        try:
            client.change(uri, part)
            line = part.count('\n')
            column = len(part[part.rfind('\n') + 1:].encode('utf-16-le')) // 2
            for method in 'completion', 'definition', 'hover', 'prepareRename', 'signatureHelp':
                client.raw_request('textDocument/' + method, textDocument={'uri': uri}, position={'line': line, 'character': column})
            client.request('textDocument/references', textDocument={'uri': uri}, position={'line': line, 'character': column}, context={'includeDeclaration': True})
            client.raw_request('textDocument/rename', textDocument={'uri': uri}, position={'line': line, 'character': column}, newName='another_name')
            client.request('textDocument/documentSymbol', textDocument={'uri': uri})
            client.request('textDocument/formatting', textDocument={'uri': uri}, options={})
        except Exception as problem:
            print(f'{path}: cut after {cut} letters: {problem}')
            sys.exit(1)
    client.notify('textDocument/didClose', textDocument={'uri': uri})
    del client.published[uri]
assert client.leave() == 0
assert specs > 300, 'the specs of the tree were not found'
print(f'{count} beginnings of {specs} specs, each answered')
