"""Lints in an editor: published as warnings with their names as one types, of a sound text alone, and silenced in it. usage: lints.py GRADUS LIBRARY"""

import pathlib
import sys
import tempfile

from client import Client

gradus, library = sys.argv[1], pathlib.Path(sys.argv[2]).resolve()

SPEC = '''/// A direction.
fn unit(x: [n]) = x / norm(x)
prox shrink(x, step, lambda = 1.0) of lambda * norm(x) = x * max(1 - step * lambda / norm(x), 0)
'''


def lines_of(messages):
    return [(one['range']['start']['line'], one['code'], one['severity']) for one in messages]


with tempfile.TemporaryDirectory() as folder:
    client = Client(gradus)
    client.initialize()
    uri = client.open(pathlib.Path(folder) / 'unit.grad', SPEC)
    division = (1, 'G0964 division-by-zero', 2)
    assert lines_of(client.wait_for(uri, 1)) == [division], client.published
    assert 'max(x, 1e-12)' in client.published[uri]['diagnostics'][0]['message']
    # The text is edited: the allowance at its line, and one that silences nothing.
    assert client.change(uri, SPEC.replace('norm(x)\n', 'norm(x)  // allow: division-by-zero (x is not 0)\n', 1)) == []
    assert lines_of(client.change(uri, SPEC.replace('x / norm(x)\n', 'x / 2  // allow: division-by-zero\n'))) == [(1, 'G0961', 2)]
    # What only a check looks at, the body of a prox, is looked at here as well, so that what it allows is known to be used.
    assert lines_of(client.change(uri, SPEC.replace('max(1 -', '(1 -').replace(', 0)\n', ')\n'))) == [division, (2, 'G0964 division-by-zero', 2)]
    # A text with errors has only these.
    assert [one['severity'] for one in client.change(uri, SPEC + 'fn broken(x: [n]) = x + y\n')] == [1]
    client.request('shutdown')
    client.notify('exit')
    assert client.process.wait() == 0
print('lints in the language server')
