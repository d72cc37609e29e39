// The grammar of Gradus, the whole language. It holds no code: where a line ends a statement is decided by TokenFilter
// between lexer and parser, which turns newlines and `;` into END and puts an END before every `}` and the end of file.
// So every statement, group and unit here is closed by END, which is also where recovery after an error begins.
//
// Token names are repeated in Tokens.def in the same order; Parser.cpp asserts that both agree.
grammar Gradus;

tokens { END }

// ---- units: parsed one at a time, each with the END behind it
entry: unit END EOF;
unit
    : kind='loss' name params (':' type)? def                                               # functionUnit
    | kind='fn' name params ('[' subs ']')? (':' type)? def (END derivative)?               # functionUnit
    | kind='prox' name params 'of' expr def                                                 # functionUnit
    | kind='projection' name params def                                                     # functionUnit
    | kind='solver' name params ('solves' equations)? def                                   # functionUnit
    | kind='schedule' name params def                                                       # functionUnit
    | 'rule' name params ('over' oracle (',' oracle)*)? block       # ruleUnit
    | 'train' name '=' objective (',' objective)* 'with' groups     # trainUnit
    | ('test' | 'property') STR block                               # testUnit
    | 'import' STR                                                  # importUnit
    | 'const' decl                                                  # constUnit
    ;
equations: expr (',' expr)*;
derivative: 'derivative' '(' names ')' '=' expr (',' expr)*;
oracle: name ('(' names ')')?;
objective: 'minimize' expr ('over' names)? | 'maximize' expr? ('over' names)?;
groups: '{' groupLine* '}' | expr;
groupLine: group END;
group: member (',' member)* ':' expr | 'else' ':' expr;
member: name | '(' names ')';
def: '=' rhs | block;

// ---- headers and types
params: '(' (param (',' param)*)? ')';
param: 'size'? name (':' type)? ('=' expr)? (interval | set)?;
interval: IN_WORD open=('[' | '(') low=expr ',' high=expr close=(']' | ')');
set: IN_WORD name ('(' args? ')')?;
type: dims storage* | storage+ | 'rule' | 'fn' | 'projection';
dims: '[' (dim (',' dim)*)? ']';
dim: name '..' | expr;
storage: 'like' ('arg' name 'of')? name | ID ('(' expr ')')?;

// ---- statements
block: '{' line* '}';
line: stmt END;
stmt
    : 'const' decl                                                  # constStmt
    | 'joint'? 'param' decl (',' decl)*                             # paramStmt
    | GRAD gradEntry (',' gradEntry)*                             # gradStmt
    | 'shared'? ('state' | 'input') decl (',' decl)*                # storeStmt
    | 'draw' name '=' value=expr ('at' time=expr)?                             # drawStmt
    | 'fn' name params def                                          # fnStmt
    | name '(' names ')' ('[' subs ']')? '=' expr                   # localStmt
    | target (',' target)* ('=' | '+=') rhs (',' boundary)*         # assignStmt
    | 'every' expr block                                            # everyStmt
    | 'when' expr then_=block ('else' else_=block)?                             # whenStmt
    | 'on' name params block                                        # onStmt
    | 'loop' ('[' subs ']')? (name IN_WORD)? bound=expr ('with' loopInit (',' loopInit)*)? ('while' condition=expr)? block # loopStmt
    | 'emit' names                                                  # emitStmt
    | 'return' rhs (',' expr)*                                      # returnStmt
    | 'expect' claim=expr ('within' tolerance=expr)?                                # expectStmt
    | 'solves' equations                                            # solvesStmt
    ;
gradEntry: name ('of' name)?;
boundary: target '=' expr;
loopInit: name (':' type)? '=' expr;
decl: name (':' type)? ('=' rhs)?;
target: (name | PRIMED) ('[' subs ']')?;
names: name (',' name)*;

// ---- subscripts and arguments
subs: sub (',' sub)*;
sub: from_=expr? ':' to=expr? | '..' | name '=' value=expr | value=expr;
args: arg (',' arg)*;
arg: (name | 'else') '=' expr | expr;

// ---- expressions, weakest first
rhs: expr by?;
by: 'by' postfix ('from' source=expr)? ('within' tolerance=expr)? ('limit' bound=expr)? way?;
way: 'derivative' ('by' postfix ('within' tolerance=expr)? ('limit' bound=expr)? | ID ('[' subs ']')?);
expr
    : 'if' expr 'then' expr 'else' expr                             # ifExpr
    | name ARROW expr                                                # lambdaExpr
    | disjunction ('..' disjunction)?                               # rangeExpr
    ;
disjunction: conjunction ('or' conjunction)*;
conjunction: negation ('and' negation)*;
negation: 'not' negation | comparison;
comparison: sum (('<' | '>' | LESS_EQUAL | GREATER_EQUAL | '==' | NOT_EQUAL | '~') sum)*;
sum: product (('+' | MINUS) product)*;
product: unary (('*' | '/' | '@' | '%') unary)*;
unary: (MINUS | '+') unary | power;
power: postfix ('^' unary)?;
postfix: primary trailer*;
trailer: '(' args? ')' | '[' subs ']' | '.' member_=ID;
primary
    : NUM                                                           # number
    | STR                                                           # text
    | ('true' | 'false')                                            # truth
    | name                                                          # plainName
    | PRIMED                                                        # primedName
    | '(' expr (by | (',' expr)+)? ')'                               # parens
    | '[' (expr (',' expr)*)? ']' ('like' ID)?                      # list
    | (GRAD | 'hess' | 'jac') ('[' names ']')? name ('[' subs ']')? '(' args? ')' # derivativeOf
    | (GRAD | 'hess' | 'jac') '[' names ']' '(' expr ')'            # totalDerivative
    | 'like' ID                                                     # likeName
    ;

// Reserved: if then else and or not loop return grad hess jac true false in. Every other word is a name where a name
// is expected.
name: ID | 'arg' | 'at' | 'by' | 'const' | 'derivative' | 'draw' | 'emit' | 'every' | 'expect' | 'fn' | 'from' | 'import'
    | 'input' | 'joint' | 'like' | 'limit' | 'loss' | 'maximize' | 'minimize' | 'of' | 'on' | 'over' | 'param'
    | 'projection' | 'property' | 'prox' | 'rule' | 'schedule' | 'shared' | 'size' | 'solver' | 'solves' | 'state'
    | 'test' | 'train' | 'when' | 'while' | 'with' | 'within';

// ---- words
AND: 'and';
ARG: 'arg';
AT_WORD: 'at';
BY: 'by';
CONST: 'const';
DERIVATIVE: 'derivative';
DRAW: 'draw';
ELSE: 'else';
EMIT: 'emit';
EVERY: 'every';
EXPECT: 'expect';
FALSE_WORD: 'false';
FN: 'fn';
FROM: 'from';
GRAD: 'grad' | '\u2207';
HESS: 'hess';
IF: 'if';
IMPORT: 'import';
IN_WORD: 'in' | '\u2208';
INPUT: 'input';
JAC: 'jac';
JOINT: 'joint';
LIKE: 'like';
LIMIT: 'limit';
LOOP: 'loop';
LOSS: 'loss';
MAXIMIZE: 'maximize';
MINIMIZE: 'minimize';
NOT: 'not';
OF: 'of';
ON: 'on';
OR: 'or';
OVER: 'over';
PARAM: 'param';
PROJECTION: 'projection';
PROPERTY: 'property';
PROX: 'prox';
RETURN: 'return';
RULE: 'rule';
SCHEDULE: 'schedule';
SHARED: 'shared';
SIZE: 'size';
SOLVER: 'solver';
SOLVES: 'solves';
STATE: 'state';
TEST: 'test';
THEN: 'then';
TRAIN: 'train';
TRUE_WORD: 'true';
WHEN: 'when';
WHILE: 'while';
WITH: 'with';
WITHIN: 'within';

// ---- signs
LPAREN: '(';
RPAREN: ')';
LBRACKET: '[';
RBRACKET: ']';
LBRACE: '{';
RBRACE: '}';
COMMA: ',';
COLON: ':';
DOTS: '..';
DOT: '.';
EQUALS: '=';
PLUS_EQUALS: '+=';
ARROW: '->' | '\u2192';
PLUS: '+';
MINUS: '-' | '\u2212';
STAR: '*';
SLASH: '/';
AT: '@';
PERCENT: '%';
CARET: '^';
LESS: '<';
GREATER: '>';
LESS_EQUAL: '<=' | '\u2264';
GREATER_EQUAL: '>=' | '\u2265';
EQUAL_EQUAL: '==';
NOT_EQUAL: '!=' | '\u2260';
NEAR: '~';

// ---- names, numbers, texts. The sum and root signs stand for the names sum and sqrt.
ID: [\p{L}_] [\p{L}\p{N}_]* | '\u2211' | '\u221A';
PRIMED: [\p{L}_] [\p{L}\p{N}_]* ['\u2032];
NUM: [0-9]+ ('.' [0-9]+)? ([eE] [+-]? [0-9]+)?;
STR: '"' ~["\r\n]* '"';

// ---- what ends a line, what is kept for the formatter
NL: '\r'? '\n';
SEMICOLON: ';';
DOC: '///' ~[\r\n]*;
COMMENT: '//' ~[\r\n]*;
WS: [ \t]+ -> skip;

// ---- errors with a message of their own
OPEN_STR: '"' ~["\r\n]*;
PRIMES: ['\u2032]+;
HASH: '#' ~[\r\n]*;
BLOCK_COMMENT: '/*' .*? '*/';
FOREIGN: '**' | '&&' | '||' | '!' | '-=' | '*=' | '/=' | '=>' | ':=';
UNKNOWN: .;
