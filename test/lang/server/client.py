"""A client of the language server: framed JSON over the pipes of a process, as editors speak."""

import json
import pathlib
import subprocess


class Client:
    """Starts `gradus lsp` and asks it; a reply that is an error raises."""

    def __init__(self, gradus, *options):
        self.process = subprocess.Popen([gradus, 'lsp', *options], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.count = 0
        self.published = {}
        self.history = []
        self.versions = {}

    def send(self, message):
        body = json.dumps({'jsonrpc': '2.0', **message}).encode()
        self.process.stdin.write(b'Content-Length: %d\r\n\r\n' % len(body) + body)
        self.process.stdin.flush()

    def receive(self):
        length = None
        while (line := self.process.stdout.readline().strip()):
            name, value = line.split(b':')
            if name.lower() == b'content-length':
                length = int(value)
        if length is None:
            raise RuntimeError(f'the server is gone, exit code {self.process.wait()}')
        return json.loads(self.process.stdout.read(length))

    def notify(self, method, **params):
        self.send({'method': method, 'params': params})

    def raw_request(self, method, **params):
        """The whole reply; what the server publishes meanwhile is kept."""
        self.count += 1
        self.send({'id': self.count, 'method': method, 'params': params})
        while True:
            message = self.receive()
            if message.get('id') == self.count:
                return message
            self.keep(message)

    def request(self, method, **params):
        reply = self.raw_request(method, **params)
        assert 'error' not in reply, reply
        return reply['result']

    def keep(self, message):
        assert message['method'] == 'textDocument/publishDiagnostics', message
        self.published[message['params']['uri']] = message['params']
        self.history.append((message['params']['uri'], message['params'].get('version')))

    def wait_for(self, uri, version):
        """The messages of a version of a document."""
        while self.published.get(uri, {}).get('version') != version:
            self.keep(self.receive())
        return self.published[uri]['diagnostics']

    def initialize(self):
        result = self.request('initialize', processId=None, rootUri=None, capabilities={})
        self.notify('initialized')
        return result

    def open(self, path, text):
        uri = pathlib.Path(path).absolute().as_uri()
        self.versions[uri] = 1
        self.notify('textDocument/didOpen', textDocument={'uri': uri, 'languageId': 'gradus', 'version': 1, 'text': text})
        return uri

    def change(self, uri, *changes):
        """Each change is a whole text, or (start line, start column, end line, end column, text)."""
        self.versions[uri] += 1
        events = []
        for one in changes:
            if isinstance(one, str):
                events.append({'text': one})
            else:
                l0, c0, l1, c1, text = one
                events.append({'range': {'start': {'line': l0, 'character': c0}, 'end': {'line': l1, 'character': c1}}, 'text': text})
        self.notify('textDocument/didChange', textDocument={'uri': uri, 'version': self.versions[uri]}, contentChanges=events)
        return self.wait_for(uri, self.versions[uri])

    def change_quietly(self, uri, *texts):
        """A burst of whole texts in one write, without waiting for an answer."""
        frames = b''
        for text in texts:
            self.versions[uri] += 1
            params = {'textDocument': {'uri': uri, 'version': self.versions[uri]}, 'contentChanges': [{'text': text}]}
            body = json.dumps({'jsonrpc': '2.0', 'method': 'textDocument/didChange', 'params': params}).encode()
            frames += b'Content-Length: %d\r\n\r\n' % len(body) + body
        self.process.stdin.write(frames)
        self.process.stdin.flush()

    def at(self, method, uri, line, character):
        return self.request('textDocument/' + method, textDocument={'uri': uri}, position={'line': line, 'character': character})

    def leave(self):
        """Shuts the server down as the protocol says; its exit code."""
        assert self.request('shutdown') is None
        self.notify('exit')
        self.process.stdin.close()
        return self.process.wait(timeout=60)


def place_of(text, needle, offset=0, start=0):
    """Line and UTF-16 column of the first `needle` in a text."""
    at = text.index(needle, start) + offset
    line = text.count('\n', 0, at)
    begin = text.rfind('\n', 0, at) + 1
    return line, len(text[begin:at].encode('utf-16-le')) // 2


def apply(text, edits):
    """The text after edits, which are taken from the last one to the first."""
    def offset(position):
        lines = text.split('\n')
        line = lines[position['line']].encode('utf-16-le')[:2 * position['character']].decode('utf-16-le') if position['line'] < len(lines) else ''
        return sum(len(one) + 1 for one in lines[:position['line']]) + len(line)
    for edit in sorted(edits, key=lambda one: offset(one['range']['start']), reverse=True):
        text = text[:offset(edit['range']['start'])] + edit['newText'] + text[offset(edit['range']['end']):]
    return text
