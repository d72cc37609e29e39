"""Every word of the language is known to the grammar of editors and to the language reference. usage: words.py GRADUS ROOT

The words are those of lang/Tokens.def and of the table of built-in words. The grammar colours each of them by a pattern of the right sort, and the
server shows a line of the reference for each."""

import json
import pathlib
import re
import sys

from client import Client

gradus, root = sys.argv[1], pathlib.Path(sys.argv[2])
faults = []

tokens = (root / 'lang/Tokens.def').read_text()
words = re.findall(r'^GRADUS_WORD\(\w+, "(\w+)", (true|false)\)', tokens, re.M)
signs = re.findall(r'^GRADUS_SIGN\(\w+, "([^"]+)"\)', tokens, re.M)
builtins = sorted(set(re.findall(r'^ +(?:\{|GRADUS_LATER\()"(\w+)"', (root / 'lang/Builtins.cpp').read_text(), re.M)))
distributions = re.findall(r'\{"(\w+)", DrawKind::', (root / 'lang/EmitDraw.cpp').read_text())
assert len(words) > 40 and len(signs) > 20 and len(builtins) > 100 and len(distributions) > 5, (len(words), len(signs), len(builtins), len(distributions))

grammar = json.loads((root / 'editors/gradus.tmLanguage.json').read_text())
assert grammar['scopeName'] == 'source.gradus' and grammar['fileTypes'] == ['grad'], grammar['scopeName']


def patterns(node):
    """Every pattern of the grammar with its scope; letters and digits of Unicode as Python writes them."""
    if isinstance(node, dict):
        if 'match' in node:
            yield node.get('name', ''), re.compile(node['match'].replace(r'[\p{L}_]', r'[^\W\d]').replace(r'[\p{L}\p{N}_]', r'\w'))
        for value in node.values():
            yield from patterns(value)
    elif isinstance(node, list):
        for value in node:
            yield from patterns(value)


def scopes_of(text):
    return [scope for scope, pattern in patterns(grammar) if any(found.group(0) == text for found in pattern.finditer(text))]


for word, _ in words:
    if not any(scope.startswith(('keyword.', 'storage.', 'constant.language')) for scope in scopes_of(word)):
        faults.append(f"editors/gradus.tmLanguage.json: the word '{word}' is no keyword")
for word in builtins + distributions:
    if not any(scope.startswith('support.function') for scope in scopes_of(word)):
        faults.append(f"editors/gradus.tmLanguage.json: '{word}' is no function")
for sign in signs:
    if sign not in ('(', ')', '[', ']', '{', '}', ',', ':', '.', '..') and not any(scope.startswith('keyword.operator') for scope in scopes_of(sign)):
        faults.append(f"editors/gradus.tmLanguage.json: '{sign}' is no operator")
# And nothing that is no word.
for scope, pattern in patterns(grammar):
    if scope.startswith(('keyword.control', 'keyword.other', 'storage.', 'support.function')):
        for word in re.findall(r'\w+', re.sub(r'\\.|\[.*\]', ' ', pattern.pattern)):
            if word not in {one for one, _ in words} and word not in builtins + distributions:
                faults.append(f"editors/gradus.tmLanguage.json: '{word}' is no word of the language")

client = Client(gradus)
client.initialize()
all_words = [word for word, _ in words] + builtins + distributions
uri = client.open(root / 'words.grad', '\n'.join(all_words) + '\n')
for line, word in enumerate(all_words):
    if client.at('hover', uri, line, 0) is None:
        faults.append(f"lang/REFERENCE.md: says nothing of '{word}'")
assert client.leave() == 0

print('\n'.join(faults) or f'{len(all_words)} words are known to the grammar and to the reference')
sys.exit(bool(faults))
