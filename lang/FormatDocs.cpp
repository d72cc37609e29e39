//===- FormatDocs.cpp - documents of tree nodes ---------------------------===//
//
// Parentheses stand where the author wrote them, and where a tree that no author wrote would need them.
//
//===----------------------------------------------------------------------===//

#include "lang/FormatDocs.h"

#include "llvm/ADT/TypeSwitch.h"

#include <algorithm>

using namespace gradus;
using namespace gradus::ast;

namespace {
/// How strongly a form binds; an operand that binds weaker than its place asks for needs parentheses.
enum Binding {
  Weakest, // if, lambda, by
  AsRange,
  AsOr,
  AsAnd,
  AsNot,
  AsCompare,
  AsSum,
  AsProduct,
  AsUnary,
  AsPower,
  AsPostfix,
};
} // namespace

//===----------------------------------------------------------------------===//
// Lists
//===----------------------------------------------------------------------===//

Doc gradus::commaSeparated(std::vector<Doc> parts) {
  Doc result;
  for (size_t i = 0; i < parts.size(); ++i) {
    Doc next;
    if (i)
      next += Doc::line();
    next += std::move(parts[i]);
    if (i + 1 < parts.size())
      next += ",";
    result += Doc::group(std::move(next));
  }
  return Doc::align(std::move(result));
}

std::string gradus::textOf(const Ident &ident) { return ident.primed ? ident.name + "'" : ident.name; }

Doc gradus::docOf(const std::vector<Ident> &names) {
  return commaSeparated(names, [](const Ident &name) { return Doc::of(textOf(name)); });
}

//===----------------------------------------------------------------------===//
// Subscripts, arguments, types
//===----------------------------------------------------------------------===//

static Doc docOfSubscript(const Subscript &sub) {
  Doc doc;
  switch (sub.kind) {
  case SubKind::Rest:
    doc += "..";
    break;
  case SubKind::Slice:
    if (sub.from)
      doc += docOf(*sub.from);
    doc += ":";
    if (sub.to)
      doc += docOf(*sub.to);
    break;
  case SubKind::Named:
    doc += textOf(*sub.name) + " = ";
    [[fallthrough]];
  case SubKind::Value:
    doc += docOf(*sub.value);
    break;
  }
  return doc;
}

Doc gradus::docOf(const std::vector<Subscript> &subscripts) {
  Doc doc;
  if (subscripts.empty())
    return doc;
  doc += "[";
  doc += commaSeparated(subscripts, docOfSubscript);
  doc += "]";
  return doc;
}

static Doc docOfArguments(const std::vector<Argument> &arguments) {
  Doc doc;
  doc += "(";
  doc += commaSeparated(arguments, [](const Argument &argument) {
    Doc result;
    if (argument.name || argument.isElse)
      result += (argument.isElse ? std::string("else") : textOf(*argument.name)) + " = ";
    result += docOf(*argument.value);
    return result;
  });
  doc += ")";
  return doc;
}

static Doc docOfStorage(const Storage &storage) {
  Doc doc;
  if (storage.isLike)
    doc += storage.arg ? "like arg " + textOf(*storage.arg) + " of " : std::string("like ");
  doc += textOf(storage.name);
  if (storage.argument) {
    doc += "(";
    doc += docOf(*storage.argument);
    doc += ")";
  }
  return doc;
}

Doc gradus::docOf(const Type &type) {
  Doc doc;
  switch (type.kind) {
  case TypeKind::Rule:
    return Doc::of("rule");
  case TypeKind::Fn:
    return Doc::of("fn");
  case TypeKind::Projection:
    return Doc::of("projection");
  case TypeKind::Tensor:
    break;
  }
  if (type.hasDims) {
    doc += "[";
    doc += commaSeparated(type.dims, [](const Dim &dim) {
      return dim.trailing ? Doc::of(textOf(*dim.trailing) + "..") : docOf(*dim.size);
    });
    doc += "]";
  }
  for (const Storage &storage : type.storage) {
    if (!doc.parts.empty())
      doc += " ";
    doc += docOfStorage(storage);
  }
  return doc;
}

/// `: type = value`, each part if it is there.
static void addTypeAndValue(Doc &doc, const std::optional<Type> &type, const ExprPtr &value) {
  if (type) {
    doc += ": ";
    doc += docOf(*type);
  }
  if (value) {
    doc += " = ";
    doc += docOf(*value);
  }
}

Doc gradus::docOf(const Decl &decl) {
  Doc doc;
  doc += textOf(decl.name);
  addTypeAndValue(doc, decl.type, decl.value);
  return doc;
}

Doc gradus::docOf(const Target &target) {
  Doc doc;
  doc += textOf(target.name);
  doc += docOf(target.subscripts);
  return doc;
}

static Doc docOfParam(const Param &param) {
  Doc doc;
  doc += (param.isSize ? "size " : "") + textOf(param.name);
  addTypeAndValue(doc, param.type, param.defaultValue);
  if (param.interval) {
    doc += param.interval->lowOpen ? " in (" : " in [";
    doc += docOf(*param.interval->low);
    doc += ", ";
    doc += docOf(*param.interval->high);
    doc += param.interval->highOpen ? ")" : "]";
  }
  if (param.set) {
    doc += " in ";
    doc += docOf(*param.set);
  }
  return doc;
}

Doc gradus::docOf(const std::vector<Param> &params) {
  Doc doc;
  doc += "(";
  doc += commaSeparated(params, docOfParam);
  doc += ")";
  return doc;
}

//===----------------------------------------------------------------------===//
// Formulas
//===----------------------------------------------------------------------===//

static const char *spell(BinaryOp op) {
  switch (op) {
  case BinaryOp::Or:
    return " or";
  case BinaryOp::And:
    return " and";
  case BinaryOp::Add:
    return " +";
  case BinaryOp::Sub:
    return " -";
  case BinaryOp::Mul:
    return " *";
  case BinaryOp::Div:
    return " /";
  case BinaryOp::MatMul:
    return " @";
  case BinaryOp::Mod:
    return " %";
  case BinaryOp::Pow:
    return "^";
  }
  return "";
}

static const char *spell(CompareOp op) {
  switch (op) {
  case CompareOp::Lt:
    return " <";
  case CompareOp::Gt:
    return " >";
  case CompareOp::Le:
    return " <=";
  case CompareOp::Ge:
    return " >=";
  case CompareOp::Eq:
    return " ==";
  case CompareOp::Ne:
    return " !=";
  case CompareOp::Near:
    return " ~";
  }
  return "";
}

static Binding bindingOf(BinaryOp op) {
  switch (op) {
  case BinaryOp::Or:
    return AsOr;
  case BinaryOp::And:
    return AsAnd;
  case BinaryOp::Add:
  case BinaryOp::Sub:
    return AsSum;
  case BinaryOp::Pow:
    return AsPower;
  default:
    return AsProduct;
  }
}

static Binding bindingOf(const Expr &expr) {
  switch (expr.kind) {
  case ExprKind::If:
  case ExprKind::Lambda:
  case ExprKind::By:
    return Weakest;
  case ExprKind::Range:
    return AsRange;
  case ExprKind::Compare:
    return AsCompare;
  case ExprKind::Binary:
    return bindingOf(static_cast<const Binary &>(expr).op);
  case ExprKind::Unary:
    return static_cast<const Unary &>(expr).op == UnaryOp::Not ? AsNot : AsUnary;
  default:
    return AsPostfix;
  }
}

static Doc bare(const Expr &expr);

/// The document of an operand whose place asks for a form that binds at least so strongly.
static Doc operand(const Expr &expr, Binding place) {
  if (!expr.parenthesized && bindingOf(expr) >= place)
    return bare(expr);
  Doc doc;
  doc += "(";
  doc += Doc::align(bare(expr));
  doc += ")";
  return doc;
}

static void addLine(Doc &doc, Doc next) {
  Doc tail;
  tail += Doc::line();
  tail += std::move(next);
  doc += Doc::group(std::move(tail));
}

/// The left spine of one level of binding as a filled run, broken behind the operators.
static Doc docOfBinary(const Binary &expr) {
  Binding level = bindingOf(expr.op);
  if (level == AsPower) {
    Doc doc;
    doc += operand(*expr.lhs, AsPostfix);
    doc += "^";
    doc += operand(*expr.rhs, AsUnary);
    return doc;
  }
  std::vector<const Binary *> spine = {&expr};
  const Expr *first = expr.lhs.get();
  while (first->kind == ExprKind::Binary && !first->parenthesized && bindingOf(*first) == level) {
    spine.push_back(static_cast<const Binary *>(first));
    first = spine.back()->lhs.get();
  }
  Doc doc;
  doc += operand(*first, level);
  for (auto it = spine.rbegin(); it != spine.rend(); ++it) {
    doc += spell((*it)->op);
    addLine(doc, operand(*(*it)->rhs, static_cast<Binding>(level + 1)));
  }
  return Doc::align(std::move(doc));
}

static Doc docOfCompare(const Compare &expr) {
  Doc doc;
  doc += operand(*expr.operands.front(), AsSum);
  for (size_t i = 0; i < expr.ops.size(); ++i) {
    doc += spell(expr.ops[i]);
    addLine(doc, operand(*expr.operands[i + 1], AsSum));
  }
  return Doc::align(std::move(doc));
}

/// A chain of else-ifs is one column of lines, or one line; the author's lines stay lines.
static Doc docOfIf(const If &expr) {
  Doc doc;
  const If *choice = &expr;
  bool isSetInLines = expr.loc.line != expr.loc.endLine;
  while (true) {
    doc += "if ";
    doc += docOf(*choice->condition);
    doc += " then ";
    doc += docOf(*choice->thenValue);
    doc += isSetInLines ? Doc::hardLine() : Doc::line();
    doc += "else ";
    bool isChain = choice->elseValue->kind == ExprKind::If && !choice->elseValue->parenthesized;
    if (!isChain)
      break;
    choice = static_cast<const If *>(choice->elseValue.get());
  }
  doc += docOf(*choice->elseValue);
  return Doc::align(Doc::group(std::move(doc)));
}

static Doc docOfDerivative(const Derivative &expr) {
  Doc doc;
  doc += wordOf(expr.derivative);
  if (!expr.slots.empty()) {
    doc += "[";
    doc += docOf(expr.slots);
    doc += "]";
  }
  doc += " " + textOf(expr.function);
  doc += docOf(expr.selection);
  doc += docOfArguments(expr.arguments);
  return doc;
}

static Doc docOfBy(const By &expr) {
  Doc doc;
  doc += docOf(*expr.problem);
  doc += " by ";
  doc += docOf(*expr.method);
  auto clause = [&](const char *word, const ExprPtr &value) {
    if (!value)
      return;
    doc += word;
    doc += docOf(*value);
  };
  clause(" from ", expr.from);
  clause(" within ", expr.within);
  clause(" limit ", expr.limit);
  if (!expr.way)
    return doc;
  doc += " derivative";
  if (!expr.way->method) {
    doc += " " + textOf(expr.way->word);
    doc += docOf(expr.way->slot);
  }
  clause(" by ", expr.way->method);
  clause(" within ", expr.way->within);
  clause(" limit ", expr.way->limit);
  return doc;
}

template <typename... Parts> static Doc concat(Parts &&...parts) {
  Doc doc;
  ((doc += std::forward<Parts>(parts)), ...);
  return doc;
}

static Doc docOfUnary(const Unary &expr) {
  if (expr.op == UnaryOp::Not)
    return concat(std::string("not "), operand(*expr.operand, AsNot));
  return concat(std::string(expr.op == UnaryOp::Neg ? "-" : "+"), operand(*expr.operand, AsUnary));
}

/// The document without the parentheses around it.
static Doc bare(const Expr &expr) {
  return llvm::TypeSwitch<const Expr *, Doc>(&expr)
      .Case([](const Number *e) { return Doc::of(e->text); })
      .Case([](const String *e) { return Doc::of("\"" + e->value + "\""); })
      .Case([](const Bool *e) { return Doc::of(e->value ? "true" : "false"); })
      .Case([](const Name *e) { return Doc::of(e->primed ? e->name + "'" : e->name); })
      .Case([](const List *e) { return docOfList(*e); })
      .Case([](const Tuple *e) {
        return concat(std::string("("), commaSeparated(e->elements, [](const ExprPtr &v) { return docOf(*v); }),
                      std::string(")"));
      })
      .Case([](const Unary *e) { return docOfUnary(*e); })
      .Case([](const Binary *e) { return docOfBinary(*e); })
      .Case([](const Compare *e) { return docOfCompare(*e); })
      .Case([](const If *e) { return docOfIf(*e); })
      .Case([](const Lambda *e) { return concat(textOf(e->parameter) + " -> ", docOf(*e->body)); })
      .Case([](const Range *e) { return concat(operand(*e->from, AsOr), std::string(".."), operand(*e->to, AsOr)); })
      .Case([](const Call *e) { return concat(operand(*e->callee, AsPostfix), docOfArguments(e->arguments)); })
      .Case([](const Index *e) { return concat(operand(*e->base, AsPostfix), docOf(e->subscripts)); })
      .Case([](const Member *e) { return concat(operand(*e->base, AsPostfix), "." + textOf(e->member)); })
      .Case([](const Derivative *e) { return docOfDerivative(*e); })
      .Case([](const TotalDerivative *e) {
        return concat(wordOf(e->derivative) + "[", docOf(e->variables), std::string("]("), docOf(*e->value), std::string(")"));
      })
      .Case([](const Like *e) { return Doc::of("like " + textOf(e->name)); })
      .Case([](const By *e) { return docOfBy(*e); });
}

Doc gradus::docOf(const Expr &expr) { return operand(expr, Weakest); }
