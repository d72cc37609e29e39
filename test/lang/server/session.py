"""A session of an editor with the language server, from `initialize` to `exit`. usage: session.py GRADUS LIBRARY"""

import pathlib
import sys
import tempfile

from client import Client, apply, place_of

gradus, library = sys.argv[1], pathlib.Path(sys.argv[2]).resolve()

SPEC = '''import "std/rules/adamw.grad"
import "helper.grad"

/// Logistic loss of a model with a “bias”.
loss logistic(w: [d], b: [], X: [n, d], y: [n]) {
  z = X @ w + b  // 𝛼 is no letter of the basic plane
  return mean(softplus(-y * z)) + scale * sum[j](w[j]^2)
}

rule momentum(lr = 0.1, beta = 0.9 in [0, 1)) {
  param w
  grad g
  state m = 0
  m' = beta * m + g
  w' = w - lr * m'
}

train classifier = minimize logistic over w, b with adamw(decay = 0)

test "one step" {
  r = step(momentum(beta = 0), w = [1.0, 2.0], g = [1.0, 1.0])
  expect r.w ~ [0.9, 1.9] within 1e-12
}
'''
HELPER = '/// How much of the norm is added.\nconst scale = 0.5\n'


def text_of(hover):
    assert hover is not None
    assert hover['contents']['kind'] == 'markdown'
    return hover['contents']['value']


def check_messages(client, uri):
    """Messages come with ranges, codes, ways out and related places; in UTF-16 columns; and go when the text is mended."""
    assert client.wait_for(uri, 1) == [], client.published
    # Behind a letter of two UTF-16 units.
    line, column = place_of(SPEC, 'basic plane\n', len('basic plane'))
    messages = client.change(uri, (line, column, line, column, '\n  𝛼 = wrng + 1'), (0, 0, 0, 0, '// one more line\n'))
    [unknown] = messages
    assert unknown['severity'] == 1 and unknown['code'] == 'G0300' and unknown['source'] == 'gradus', unknown
    assert "unknown name 'wrng'" in unknown['message'], unknown
    start, end = unknown['range']['start'], unknown['range']['end']
    assert (start['line'], start['character'], end['character']) == (line + 2, 7, 11), unknown
    # Three faults in three units, of words, of shapes and of names.
    messages = client.change(uri, SPEC.replace('X @ w', 'w @ X').replace('beta * m', 'bta * m').replace('"one step" {', '"one step" {\n  q = 1 1'))
    assert len(messages) == 3, messages
    assert [one['range']['start']['line'] for one in sorted(messages, key=lambda one: one['range']['start']['line'])] == [5, 13, 20], messages
    assert any("did you mean 'beta'" in one['message'] for one in messages), messages
    # What passes find: no derivative, at the place and with its way from the loss.
    [rough] = client.change(uri, SPEC.replace('softplus(-y * z)', 'trigamma(-y * z)'))
    assert rough['code'] == 'G0850' and rough['range']['start']['line'] == 6, rough
    # Of a long text when it is saved.
    long = SPEC.replace('softplus(-y * z)', 'trigamma(-y * z)') + '// a line\n' * 500
    assert client.change(uri, long) == []
    del client.published[uri]
    client.notify('textDocument/didSave', textDocument={'uri': uri})
    [rough] = client.wait_for(uri, client.versions[uri])
    assert rough['code'] == 'G0850', rough
    # A place that explains the error.
    messages = client.change(uri, SPEC + 'fn logistic(x) = x\n')
    [twice] = messages
    [first] = twice['relatedInformation']
    assert first['location']['uri'] == uri and first['location']['range']['start'] == {'line': 4, 'character': 5}, twice
    assert client.change(uri, SPEC) == []


def check_hover(client, uri):
    """Types and shapes, doc comments, and the line of the reference for words of the language."""
    def hover(needle, offset=0, start=0):
        return text_of(client.at('hover', uri, *place_of(SPEC, needle, offset, start)))
    assert 'X: [n, d] f32' in hover('X @ w'), hover('X @ w')
    assert 'argument of `logistic`' in hover('X @ w')
    assert 'z: [n] f32' in hover('z))'), hover('z))')
    assert '[n] f32' in hover('@ w')
    assert hover('sum[j]').startswith('```grad\n[] f'), hover('sum[j]')
    assert 'a “bias”' in hover('logistic over') and 'loss logistic(w: [d], b: [], X: [n, d], y: [n])' in hover('logistic over')
    assert 'state of `momentum`' in hover('m + g'), hover('m + g')
    assert 'Decoupled' in hover('adamw(decay') or 'AdamW' in hover('adamw(decay'), hover('adamw(decay')
    assert 'How much of the norm' in hover('scale *')
    assert '1 / (1 + e^-x)' in hover('softplus')
    assert hover('rule momentum').startswith('`rule name(hypers)'), hover('rule momentum')
    assert 'adamw.grad' in hover('std/rules')
    line, column = place_of(SPEC, 'basic plane')
    assert client.at('hover', uri, line, column) is None


def check_definition(client, uri, helper):
    """To a line of this file, of an imported one, and to a file."""
    def definition(needle, offset=0):
        found = client.at('definition', uri, *place_of(SPEC, needle, offset))
        return found and (found['uri'], found['range']['start']['line'], found['range']['start']['character'])
    assert definition('z))') == (uri, 5, 2), definition('z))')
    assert definition('m\'\n', 0) == (uri, 13, 2), definition('m\'\n')
    assert definition('beta = 0)', 0) == (uri, 9, 24), definition('beta = 0)')
    assert definition('w, b with') == (uri, 4, 14)
    assert definition('logistic over') == (uri, 4, 5)
    adamw = library / 'std/rules/adamw.grad'
    line = next(number for number, text in enumerate(adamw.read_text().split('\n')) if text.startswith('rule adamw'))
    assert definition('adamw(decay') == (adamw.as_uri(), line, 5), definition('adamw(decay')
    assert definition('decay = 0')[0] == adamw.as_uri()
    assert definition('scale *') == (helper, 1, 6)
    assert definition('std/rules') == (adamw.as_uri(), 0, 0)
    assert definition('softplus') is None


def check_completion(client, uri):
    """Words, names in scope, arguments, members, and the library in imports; also in a unit that has errors."""
    def complete(line, text):
        lines = SPEC.split('\n')
        lines[line] = text
        client.change(uri, '\n'.join(lines))
        items = client.at('completion', uri, line, len(text))['items']
        return {item['label']: item for item in items}
    items = complete(6, '  return mean(sof')
    assert 'softplus' in items and 'softmax' in items and 'logistic' not in items, items
    assert 'z' in complete(6, '  return mean(')
    assert {'w', 'X', 'scale', 'momentum', 'adamw'} <= set(complete(6, '  return '))
    assert complete(0, 'impo')['import']['kind'] == 14
    assert {'beta1 =', 'lr ='} <= set(complete(17, 'train classifier = minimize logistic over w, b with adamw('))
    items = complete(0, 'import "std/rules/ada')
    assert 'std/rules/adamw.grad' in items and 'std/rules/muon.grad' not in items, items
    edit = items['std/rules/adamw.grad']['textEdit']
    assert edit['newText'] == 'std/rules/adamw.grad' and edit['range']['start'] == {'line': 0, 'character': 8}, edit
    assert 'std/losses/' in complete(0, 'import "std/')
    assert {'adamw', 'helper.grad', 'std/'} <= set(complete(0, 'import "'))
    assert {'w', 'm'} <= set(complete(21, '  expect r.'))
    assert complete(6, '  return w // sof') == {}
    assert client.change(uri, SPEC) == []


def check_layout(client, uri):
    """One edit that makes of the text what `gradus fmt` makes of it; none for a text with errors."""
    ugly = SPEC.replace('m\' = beta * m + g', 'm\'=beta*m+g').replace('state m = 0', 'state   m=0')
    client.change(uri, ugly)
    edits = client.request('textDocument/formatting', textDocument={'uri': uri}, options={'tabSize': 2, 'insertSpaces': True})
    assert len(edits) == 1 and apply(ugly, edits) == SPEC, edits
    assert edits[0]['range']['start']['line'] == 12 and edits[0]['range']['end']['line'] == 14, edits
    client.change(uri, SPEC)
    assert client.request('textDocument/formatting', textDocument={'uri': uri}, options={}) == []
    client.change(uri, SPEC + 'loss (')
    assert client.request('textDocument/formatting', textDocument={'uri': uri}, options={}) == []
    client.change(uri, SPEC)
    names = [symbol['name'] for symbol in client.request('textDocument/documentSymbol', textDocument={'uri': uri})]
    assert names == ['logistic', 'momentum', 'classifier', 'one step'], names


def check_imports(client, uri, folder):
    """What an editor has of an imported file counts, not what lies on the disk; what is wrong there is said here, too."""
    del client.published[uri]
    helper = client.open(folder / 'helper.grad', HELPER)
    assert client.wait_for(helper, 1) == []
    assert client.wait_for(uri, client.versions[uri]) == []
    del client.published[uri]
    client.change(helper, HELPER.replace('scale', 'weight'))
    [unknown] = client.wait_for(uri, client.versions[uri])
    assert "unknown name 'scale'" in unknown['message'], unknown
    del client.published[uri]
    client.change(helper, HELPER + 'loss broken(w: [d]) = sum(w\n')
    messages = client.wait_for(uri, client.versions[uri])
    [inside] = messages
    assert inside['range']['start']['line'] == 1 and "'helper.grad'" in inside['message'], inside
    assert inside['relatedInformation'][0]['location']['uri'] == helper, inside
    client.notify('textDocument/didClose', textDocument={'uri': helper})
    client.change(uri, SPEC)


def check_faults(client, uri):
    """What no client should send is refused or left, and the server goes on."""
    assert client.raw_request('textDocument/foldingRange', textDocument={'uri': uri})['error']['code'] == -32601
    assert 'error' in client.raw_request('textDocument/rename', textDocument={'uri': uri})
    assert 'error' in client.raw_request('textDocument/hover', textDocument={'uri': 7})
    assert client.at('hover', 'file:///nowhere/at/all.grad', 0, 0) is None
    for line, column in (0, 10000), (10000, 0), (10000, 10000):
        client.at('hover', uri, line, column)
        client.at('completion', uri, line, column)
        client.at('definition', uri, line, column)
    client.notify('textDocument/didChange', textDocument={'uri': 'file:///nowhere/at/all.grad', 'version': 1}, contentChanges=[{'text': ''}])
    client.notify('$/cancelRequest', id=1)
    client.change(uri, (10000, 0, 10000, 3, 'x'), (3, 5, 2, 0, ''))
    assert client.change(uri, SPEC) == []


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name).resolve()
        (folder / 'helper.grad').write_text(HELPER)
        client = Client(gradus)
        capabilities = client.initialize()['capabilities']
        assert capabilities['hoverProvider'] and capabilities['definitionProvider'] and capabilities['documentFormattingProvider'], capabilities
        uri = client.open(folder / 'a spec.grad', SPEC)
        check_messages(client, uri)
        check_hover(client, uri)
        check_definition(client, uri, (folder / 'helper.grad').as_uri())
        check_completion(client, uri)
        check_layout(client, uri)
        check_imports(client, uri, folder)
        check_faults(client, uri)
        assert client.leave() == 0
        # Whoever leaves without a word has failed.
        rude = Client(gradus)
        rude.initialize()
        rude.process.stdin.close()
        assert rude.process.wait(timeout=60) == 1
    print('a session with the language server: messages, hover, definition, completion, layout, imports, faults')


main()
