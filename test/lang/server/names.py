"""Bursts of keys, and the questions about all places of a name: references, renaming, members, outline, signatures. usage: names.py GRADUS LIBRARY"""

import pathlib
import sys
import tempfile

from client import Client, apply, place_of

gradus, library = sys.argv[1], pathlib.Path(sys.argv[2]).resolve()

RULES = '''/// Heavy ball.
rule momentum(lr = 0.1, beta = 0.9 in [0, 1), size m = 2) {
  param w
  grad g
  input mask: like w = 1
  state v = 0, kept: [m] like w = 0
  v' = beta * v + mask * g
  kept' = push(kept, g)
  change = norm(v')
  emit change
  w' = w - lr * v'
  on pushed(much: f64) { w' = w + much }
}
rule clipped(base: rule = momentum(beta = 0.5), most = 1.0) {
  param w
  grad g
  w' = base(w, g * min(1, most / norm(g)))
}
schedule falling(peak = 1.0) {
  shared state level: [] = 1
  level' = level / 2
  return peak * level'
}
loss line(w: [d], b: [], X: [n, d], y: [n]) {
  e = X @ w + b - y
  return mean(e^2)
}
train fitted = minimize line over w, b with { w: momentum(beta = 0.8); else: clipped() }

test "members" {
  r = run(clipped(momentum(lr = falling(peak = 2), m = 3)), w = [1.0], g = [1.0], mask = [1.0], steps = 2)
  expect r.w == r[2].w
  expect r.base.v == r.base.v
  expect r.base.change > 0
  expect r.base.lr.level == 0.25
}
'''.replace('  on pushed(much: f64) { w\' = w + much }\n', '')
USER = '''import "rules.grad"
rule twice(base: rule) {
  param x
  grad g
  x' = base(x, 2 * g)
}
test "of another file" {
  beta = 0.5
  s = step(twice(momentum(beta = beta)), x = [1.0], g = [0.0])
  expect s.base.v == [0.0]
}
'''


def places(found):
    return sorted((one['uri'].rsplit('/', 1)[1], one['range']['start']['line'], one['range']['start']['character']) for one in found)


def errors(found):
    return [one for one in found if one['severity'] == 1]  # lints are warnings


class Session:
    def __init__(self, folder):
        (folder / 'rules.grad').write_text(RULES)
        (folder / 'user.grad').write_text(USER)
        self.client = Client(gradus)
        capabilities = self.client.initialize()['capabilities']
        assert capabilities['referencesProvider'] and capabilities['renameProvider']['prepareProvider'] and capabilities['signatureHelpProvider'], capabilities
        self.uri = self.client.open(folder / 'rules.grad', RULES)
        assert errors(self.client.wait_for(self.uri, 1)) == [], self.client.published
        self.user = (folder / 'user.grad').as_uri()

    def references(self, needle, offset=0, text=RULES, uri=None):
        line, character = place_of(text, needle, offset)
        uri = uri or self.uri
        return places(self.client.request('textDocument/references', textDocument={'uri': uri}, position={'line': line, 'character': character},
                                          context={'includeDeclaration': True}))

    def definition(self, needle, offset=0):
        found = self.client.at('definition', self.uri, *place_of(RULES, needle, offset))
        return found and (found['range']['start']['line'], found['range']['start']['character'])

    def rename(self, needle, name, offset=0, text=RULES, uri=None):
        line, character = place_of(text, needle, offset)
        return self.client.raw_request('textDocument/rename', textDocument={'uri': uri or self.uri}, position={'line': line, 'character': character}, newName=name)

    def renamed(self, needle, name, offset=0):
        """The texts of both files afterwards."""
        reply = self.rename(needle, name, offset)
        assert 'error' not in reply, reply
        changes = reply['result']['changes']
        assert set(changes) <= {self.uri, self.user}, changes
        return apply(RULES, changes.get(self.uri, [])), apply(USER, changes.get(self.user, []))

    def refused(self, needle, name, offset=0, text=RULES, uri=None):
        reply = self.rename(needle, name, offset, text, uri)
        assert 'error' in reply and reply['error']['code'] == -32803, reply
        return reply['error']['message']


def all_of(text, word, name='rules.grad', but=()):
    """Every place of a whole word in a text; a prime does not count as part of it."""
    found, at = [], -1
    while (at := text.find(word, at + 1)) >= 0:
        ends = text[at - 1:at] + text[at + len(word):at + len(word) + 1]
        if not any(c.isalnum() or c == '_' for c in ends):
            found.append((name, *place_of(text, word, start=at)))
    return sorted(one for number, one in enumerate(found) if number not in but)


def check_definition(session):
    """Members of records, through wrappers and schedules; sizes; names of arguments."""
    assert session.definition('r.w', 2) == place_of(RULES, 'param w\n  grad g\n  w', 6), session.definition('r.w', 2)
    assert session.definition('r.base.v', 2) == place_of(RULES, 'base: rule')
    assert session.definition('r.base.v', 7) == place_of(RULES, 'v = 0')
    assert session.definition('base.change', 5) == place_of(RULES, 'change')
    assert session.definition('lr.level', 3) == place_of(RULES, 'level')
    assert session.definition('mask = [1') == place_of(RULES, 'mask')
    assert session.definition('m = 3') == place_of(RULES, 'm = 2')
    assert session.definition('m] like') == place_of(RULES, 'm = 2')
    assert session.definition('peak = 2') == place_of(RULES, 'peak')


def check_references(session):
    assert session.references('beta = 0.9') == sorted(all_of(RULES, 'beta') + [('user.grad', *place_of(USER, 'beta = beta'))]), session.references('beta = 0.9')
    assert session.references('v = 0') == sorted(all_of(RULES, 'v') + all_of(USER, 'v', 'user.grad')), session.references('v = 0')
    # Asked at a prime, and of a name that only its own unit has.
    assert session.references("v' = beta") == session.references('v = 0')
    assert session.references('e = X') == all_of(RULES, 'e'), session.references('e = X')
    assert session.references('momentum(lr = 0.1') == sorted(all_of(RULES, 'momentum') + all_of(USER, 'momentum', 'user.grad'))
    line, character = place_of(RULES, 'mean')
    assert session.client.request('textDocument/references', textDocument={'uri': session.uri}, position={'line': line, 'character': character},
                                  context={'includeDeclaration': True}) is None


def check_rename(session):
    """What comes of it is what an editor makes of the edits, and a name that would mean something else is refused."""
    rules, user = session.renamed('beta = 0.9', 'decay')
    assert rules == RULES.replace('beta', 'decay') and user == USER.replace('momentum(beta', 'momentum(decay'), (rules, user)
    rules, user = session.renamed("v' = beta", 'velocity')
    assert "velocity' = beta * velocity + mask" in rules and 'r.base.velocity == r.base.velocity' in rules and 's.base.velocity' in user, (rules, user)
    rules, user = session.renamed('momentum(lr = 0.1', 'heavy')
    assert rules == RULES.replace('momentum', 'heavy') and user == USER.replace('momentum', 'heavy'), (rules, user)
    rules, user = session.renamed('w: [d]', 'θ')
    assert 'loss line(θ: [d], b: [], X' in rules and 'X @ θ + b' in rules and 'over θ, b with { θ: momentum' in rules and user == USER, rules
    rules, user = session.renamed('d], b', 'features')
    assert rules == RULES.replace('w: [d]', 'w: [features]').replace('X: [n, d]', 'X: [n, features]'), rules
    # Names that stand there already, in either direction, and words of the language.
    assert 'lr' in session.refused('beta = 0.9', 'lr')
    assert 'e' in session.refused('y: [n]', 'e')
    assert 'clipped' in session.refused('momentum(lr = 0.1', 'clipped')
    for word in 'mean', 'rule', 'pi', '2x', 'a b', '':
        assert f"'{word}'" in session.refused('beta = 0.9', word), word
    assert session.rename('beta = 0.9', 'beta')['result'] == {'changes': {}}
    line, character = place_of(RULES, 'beta')
    assert session.client.at('prepareRename', session.uri, line, character + 1)['placeholder'] == 'beta'
    assert session.client.at('prepareRename', session.uri, *place_of(RULES, 'mean')) is None


def check_other_files(session, folder):
    """What another file or the library declares is renamed there."""
    text = 'import "rules.grad"\nimport "std/rules/adamw.grad"\n' + USER.split('\n', 1)[1] + 'rule of_library(base: rule = adamw()) {\n  param w\n  grad g\n  w\' = base(w, g)\n}\n'
    uri = session.client.open(folder / 'another.grad', text)
    assert errors(session.client.wait_for(uri, 1)) == []
    assert "declared in 'rules.grad'" in session.refused('momentum', 'heavy', 0, text, uri)
    assert 'standard library' in session.refused('adamw()', 'adam2', 0, text, uri)
    # A text with an error hides places.
    broken = text + 'loss ('
    session.client.change(uri, broken)
    assert 'error' in session.refused('twice', 'thrice', 0, broken, uri)
    session.client.notify('textDocument/didClose', textDocument={'uri': uri})


def check_draws(session, folder):
    """The names on the way to a draw say which numbers it draws."""
    text = 'fn noise(x: [n]) {\n  draw z = normal(like x)\n  return z\n}\nloss f(w: [n]) = dot(w, noise(w))\n'
    uri = session.client.open(folder / 'draws.grad', text)
    assert errors(session.client.wait_for(uri, 1)) == []
    for needle in 'z = normal', 'noise(x':
        session.refused(needle, 'other', 0, text, uri)


def check_shared(session, folder):
    """Names that are matched with names of other units: a renaming would part them, without an error."""
    text = '''import "rules.grad"
loss near(a: [d], x: [n, d]) = mean((x @ a)^2)
loss far(b: [d], x: [n, d]) = -mean((x @ b)^2) + dot(b, b)
train both = minimize near over a, minimize far over b with momentum()
rule outer(base: rule) {
  param w
  grad g
  input mask: like w = 1
  w' = base(w, mask * g)
}
train apart = minimize near over a with outer(momentum())
'''
    uri = session.client.open(folder / 'shared.grad', text)
    assert errors(session.client.wait_for(uri, 1)) == [], session.client.published[uri]
    for needle in 'x: [n', 'n, d', 'mask: like':
        why = session.refused(needle, 'other', 0, text, uri)
        assert 'mean something else' in why or 'another loss of the step' in why, (needle, why)
    for needle in 'a: [d]', 'g\n  input', 'outer':
        assert 'error' not in session.rename(needle, 'other', 0, text, uri), needle
    session.client.notify('textDocument/didClose', textDocument={'uri': uri})


def check_bursts(session):
    """Many changes in a row are one; whatever is asked is answered of the last of them."""
    session.client.history.clear()
    texts = [RULES + '// ' + 'x' * count + '\n' for count in range(1, 13)]
    session.client.change_quietly(session.uri, *texts, RULES.replace('mean(e^2)', 'mean(q^2)'))
    [fault] = session.client.wait_for(session.uri, session.client.versions[session.uri])
    assert "unknown name 'q'" in fault['message'], fault
    seen = [version for uri, version in session.client.history if uri == session.uri]
    assert len(seen) <= 2 and seen[-1] == session.client.versions[session.uri], seen
    moved = '\n\n' + RULES
    session.client.change_quietly(session.uri, '', RULES, moved)
    assert session.client.at('definition', session.uri, *place_of(moved, 'w + b'))['range']['start']['line'] == place_of(moved, 'w: [d]')[0]
    session.client.change(session.uri, RULES)


def check_outline(session):
    symbols = session.client.request('textDocument/documentSymbol', textDocument={'uri': session.uri})
    children = {one['name']: [(inner['name'], inner['detail']) for inner in one.get('children', [])] for one in symbols}
    assert list(children) == ['momentum', 'clipped', 'falling', 'line', 'fitted', 'members'], children
    assert ('v', 'state') in children['momentum'] and ('change', 'value') in children['momentum'] and ('beta', 'argument') in children['momentum'], children
    assert "v'" not in [name for name, _ in children['momentum']]


def check_signature(session):
    def signature(needle, offset):
        return session.client.at('signatureHelp', session.uri, *place_of(RULES, needle, offset))
    help = signature('momentum(beta = 0.8', len('momentum(beta = '))
    [only] = help['signatures']
    assert only['label'].startswith('rule momentum(lr = 0.1, beta') and 'Heavy ball' in only['documentation'], only
    assert [one['label'] for one in only['parameters']] == ['lr = 0.1', 'beta = 0.9 in [0, 1)', 'size m = 2'] and help['activeParameter'] == 1, help
    assert signature('clipped()', len('clipped('))['activeParameter'] == 0
    assert signature('mean(e', len('mean(')) is None


with tempfile.TemporaryDirectory() as name:
    where = pathlib.Path(name).resolve()
    session = Session(where)
    check_definition(session)
    check_references(session)
    check_rename(session)
    check_other_files(session, where)
    check_draws(session, where)
    check_shared(session, where)
    check_bursts(session)
    check_outline(session)
    check_signature(session)
    assert session.client.leave() == 0
print('names: definitions of members, references, renaming, bursts, outline, signatures')
