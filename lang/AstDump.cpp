//===- AstDump.cpp - the syntax tree as S-expressions ---------------------===//

#include "lang/AstDump.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace gradus;
using namespace gradus::ast;

namespace {
/// Formulas stand on one line; statements and units on lines of their own.
class Dumper {
public:
  void add(const Unit &unit);
  void add(const Expr &expr);

  std::string out;

private:
  void add(const Stmt &stmt);
  void addBlock(const char *label, const Block &block);
  void addBody(const Body &body);
  void addFunction(const Function &unit);
  void addTrain(const Train &unit);
  void addAssign(const AssignStmt &stmt);
  void addLoop(const LoopStmt &stmt);

  // Pieces within a line: each begins with a blank.
  void word(const std::string &text) { out += " " + text; }
  void name(const Ident &ident) { word(ident.primed ? ident.name + "'" : ident.name); }
  void names(const char *label, const std::vector<Ident> &list);
  void value(const char *label, const ExprPtr &expr);
  void values(const char *label, const std::vector<ExprPtr> &list);
  void type(const std::optional<Type> &type);
  void decls(const std::vector<Decl> &list);
  void params(const std::vector<Param> &list);
  void subs(const std::vector<Subscript> &list);
  void arguments(const std::vector<Argument> &list);
  void target(const Target &target);
  template <typename Fn> void form(const std::string &label, Fn inside) {
    out += " (" + label;
    inside();
    out += ")";
  }
  void line(const std::string &label) { out += "\n" + std::string(depth * 2, ' ') + "(" + label; }

  size_t depth = 0;
};
} // namespace

//===----------------------------------------------------------------------===//
// Pieces
//===----------------------------------------------------------------------===//

void Dumper::names(const char *label, const std::vector<Ident> &list) {
  if (list.empty())
    return;
  form(label, [&] {
    for (const Ident &ident : list)
      name(ident);
  });
}

void Dumper::value(const char *label, const ExprPtr &expr) {
  if (!expr)
    return;
  form(label, [&] {
    out += " ";
    add(*expr);
  });
}

void Dumper::values(const char *label, const std::vector<ExprPtr> &list) {
  if (list.empty())
    return;
  form(label, [&] {
    for (const ExprPtr &expr : list) {
      out += " ";
      add(*expr);
    }
  });
}

void Dumper::type(const std::optional<Type> &type) {
  if (!type)
    return;
  static const char *const kinds[] = {"type", "rule-type", "fn-type", "projection-type"};
  form(kinds[static_cast<size_t>(type->kind)], [&] {
    if (type->hasDims)
      form("dims", [&] {
        for (const Dim &dim : type->dims) {
          if (dim.trailing)
            word(dim.trailing->name + "..");
          value("dim", dim.size);
        }
      });
    for (const Storage &storage : type->storage)
      form(storage.isLike ? "like" : "storage", [&] {
        name(storage.name);
        if (storage.arg)
          name(*storage.arg);
        value("argument", storage.argument);
      });
  });
}

void Dumper::decls(const std::vector<Decl> &list) {
  for (const Decl &decl : list)
    form("decl", [&] {
      name(decl.name);
      type(decl.type);
      value("value", decl.value);
    });
}

void Dumper::params(const std::vector<Param> &list) {
  form("params", [&] {
    for (const Param &param : list)
      form(param.isSize ? "size" : "param", [&] {
        name(param.name);
        type(param.type);
        value("default", param.defaultValue);
        value("in", param.set);
        if (!param.interval)
          return;
        value(param.interval->lowOpen ? "above" : "from", param.interval->low);
        value(param.interval->highOpen ? "below" : "to", param.interval->high);
      });
  });
}

void Dumper::subs(const std::vector<Subscript> &list) {
  if (list.empty())
    return;
  form("subs", [&] {
    for (const Subscript &sub : list) {
      if (sub.kind == SubKind::Rest)
        word("..");
      else if (sub.kind == SubKind::Slice)
        form("slice", [&] {
          value("from", sub.from);
          value("to", sub.to);
        });
      else
        value(sub.name ? sub.name->name.c_str() : "at", sub.value);
    }
  });
}

void Dumper::arguments(const std::vector<Argument> &list) {
  for (const Argument &argument : list)
    value(argument.isElse ? "else" : argument.name ? argument.name->name.c_str() : "arg", argument.value);
}

void Dumper::target(const Target &target) {
  form("target", [&] {
    name(target.name);
    subs(target.subscripts);
  });
}

//===----------------------------------------------------------------------===//
// Formulas
//===----------------------------------------------------------------------===//

void Dumper::add(const Expr &expr) {
  static const char *const unary[] = {"neg", "plus", "not"};
  static const char *const binary[] = {"or", "and", "+", "-", "*", "/", "@", "%", "^"};
  static const char *const compare[] = {"<", ">", "<=", ">=", "==", "!=", "~"};
  out += "(";
  llvm::TypeSwitch<const Expr *>(&expr)
      .Case([&](const Number *e) { out += e->text; })
      .Case([&](const String *e) { out += "\"" + e->value + "\""; })
      .Case([&](const Bool *e) { out += e->value ? "true" : "false"; })
      .Case([&](const Name *e) { out += e->primed ? e->name + "'" : e->name; })
      .Case([&](const List *e) {
        out += "list", values("of", e->elements);
        if (e->like)
          word("like " + e->like->name);
      })
      .Case([&](const Tuple *e) { out += "tuple", values("of", e->elements); })
      .Case([&](const Unary *e) { out += unary[static_cast<size_t>(e->op)], out += " ", add(*e->operand); })
      .Case([&](const Binary *e) {
        out += binary[static_cast<size_t>(e->op)];
        out += " ", add(*e->lhs);
        out += " ", add(*e->rhs);
      })
      .Case([&](const Compare *e) {
        out += "compare ";
        add(*e->operands.front());
        for (size_t i = 0; i < e->ops.size(); ++i) {
          word(compare[static_cast<size_t>(e->ops[i])]);
          out += " ", add(*e->operands[i + 1]);
        }
      })
      .Case([&](const If *e) {
        out += "if";
        value("condition", e->condition), value("then", e->thenValue), value("else", e->elseValue);
      })
      .Case([&](const Lambda *e) { out += "lambda", name(e->parameter), value("body", e->body); })
      .Case([&](const Range *e) { out += "range", value("from", e->from), value("to", e->to); })
      .Case([&](const Call *e) { out += "call", value("callee", e->callee), arguments(e->arguments); })
      .Case([&](const Index *e) { out += "index", value("base", e->base), subs(e->subscripts); })
      .Case([&](const Member *e) { out += "member", value("base", e->base), name(e->member); })
      .Case([&](const Derivative *e) {
        out += wordOf(e->derivative);
        names("slots", e->slots), name(e->function), subs(e->selection), arguments(e->arguments);
      })
      .Case([&](const TotalDerivative *e) {
        out += "total " + wordOf(e->derivative), names("in", e->variables), value("of", e->value);
      })
      .Case([&](const Like *e) { out += "like", name(e->name); })
      .Case([&](const By *e) {
        out += "by";
        value("problem", e->problem), value("method", e->method), value("from", e->from);
        value("within", e->within), value("limit", e->limit);
        if (!e->way)
          return;
        out += " (derivative";
        if (!e->way->method)
          name(e->way->word), subs(e->way->slot);
        value("method", e->way->method), value("within", e->way->within), value("limit", e->way->limit);
        out += ")";
      });
  out += ")";
}

//===----------------------------------------------------------------------===//
// Statements
//===----------------------------------------------------------------------===//

void Dumper::addBlock(const char *label, const Block &block) {
  ++depth;
  line(label);
  ++depth;
  for (const StmtPtr &stmt : block.statements)
    add(*stmt);
  depth -= 2;
  out += ")";
}

void Dumper::addBody(const Body &body) {
  value("value", body.value);
  if (body.block)
    addBlock("block", *body.block);
}

void Dumper::addAssign(const AssignStmt &stmt) {
  line(stmt.isAdd ? "add" : "assign");
  for (const Target &left : stmt.targets)
    target(left);
  value("value", stmt.value);
  for (const Boundary &boundary : stmt.boundaries) {
    target(boundary.place);
    value("boundary", boundary.value);
  }
}

void Dumper::addLoop(const LoopStmt &stmt) {
  line("loop");
  subs(stmt.slot);
  if (stmt.variable)
    name(*stmt.variable);
  value("bound", stmt.bound);
  for (const LoopInit &init : stmt.inits)
    form("with", [&] {
      name(init.name);
      type(init.type);
      value("value", init.value);
    });
  value("while", stmt.condition);
  addBlock("block", stmt.block);
}

void Dumper::add(const Stmt &stmt) {
  llvm::TypeSwitch<const Stmt *>(&stmt)
      .Case([&](const ConstStmt *s) {
        line("const");
        name(s->decl.name), type(s->decl.type), value("value", s->decl.value);
      })
      .Case([&](const ParamStmt *s) { line(s->isJoint ? "joint-params" : "params"), decls(s->decls); })
      .Case([&](const GradStmt *s) {
        line("grads");
        for (const GradStmt::Entry &entry : s->entries)
          form("grad", [&] {
            name(entry.name);
            if (entry.of)
              name(*entry.of);
          });
      })
      .Case([&](const StateStmt *s) { line(s->isShared ? "shared-state" : "state"), decls(s->decls); })
      .Case([&](const InputStmt *s) { line(s->isShared ? "shared-input" : "input"), decls(s->decls); })
      .Case([&](const DrawStmt *s) { line("draw"), name(s->name), value("value", s->value), value("at", s->at); })
      .Case([&](const FunctionStmt *s) {
        line("local"), name(s->name), params(s->params), subs(s->indices), addBody(s->body);
      })
      .Case([&](const AssignStmt *s) { addAssign(*s); })
      .Case([&](const EveryStmt *s) { line("every"), value("period", s->period), addBlock("block", s->block); })
      .Case([&](const WhenStmt *s) {
        line("when"), value("condition", s->condition), addBlock("then", s->block);
        if (s->otherwise)
          addBlock("else", *s->otherwise);
      })
      .Case([&](const OnStmt *s) { line("on"), name(s->name), params(s->params), addBlock("block", s->block); })
      .Case([&](const LoopStmt *s) { addLoop(*s); })
      .Case([&](const EmitStmt *s) { line("emit"), names("names", s->names); })
      .Case([&](const ReturnStmt *s) { line("return"), values("values", s->values); })
      .Case([&](const ExpectStmt *s) { line("expect"), value("claim", s->condition), value("within", s->within); })
      .Case([&](const SolvesStmt *s) { line("solves"), values("equations", s->equations); });
  out += ")";
}

//===----------------------------------------------------------------------===//
// Units
//===----------------------------------------------------------------------===//

void Dumper::addFunction(const Function &unit) {
  line(wordOf(unit.function));
  name(unit.name);
  params(unit.params);
  subs(unit.indices);
  type(unit.resultType);
  value("of", unit.proxOf);
  values("solves", unit.solves);
  addBody(unit.body);
  if (!unit.derivative)
    return;
  names("cotangents", unit.derivative->cotangents);
  values("derivative", unit.derivative->values);
}

void Dumper::addTrain(const Train &unit) {
  line("train");
  name(unit.name);
  for (const Objective &objective : unit.objectives)
    form(objective.isMaximize ? "maximize" : "minimize", [&] {
      value("function", objective.function);
      names("over", objective.over);
    });
  for (const Group &group : unit.groups)
    form(group.isElse ? "else" : "group", [&] {
      for (const GroupMember &member : group.members)
        names(member.isTuple ? "tuple" : "name", member.names);
      value("rule", group.rule);
    });
}

void Dumper::add(const Unit &unit) {
  llvm::TypeSwitch<const Unit *>(&unit)
      .Case([&](const Function *u) { addFunction(*u); })
      .Case([&](const Rule *u) {
        line("rule");
        name(u->name);
        params(u->params);
        for (const Oracle &oracle : u->oracles)
          form("over", [&] {
            name(oracle.name);
            names("arguments", oracle.arguments);
          });
        addBlock("block", u->block);
      })
      .Case([&](const Train *u) { addTrain(*u); })
      .Case([&](const Test *u) {
        line(u->isProperty ? "property" : "test");
        word("\"" + u->title + "\"");
        addBlock("block", u->block);
      })
      .Case([&](const Import *u) { line("import"), word("\"" + u->path + "\""); })
      .Case([&](const Const *u) {
        line("const");
        name(u->decl.name), type(u->decl.type), value("value", u->decl.value);
      });
  for (const std::string &text : unit.doc)
    form("doc", [&] { word("\"" + text + "\""); });
  out += ")";
}

std::string gradus::dump(const Sheet &sheet) {
  Dumper dumper;
  for (const UnitPtr &unit : sheet.units)
    dumper.add(*unit);
  return (dumper.out.empty() ? "" : dumper.out.substr(1)) + "\n";
}

std::string gradus::dump(const Expr &expr) {
  Dumper dumper;
  dumper.add(expr);
  return dumper.out;
}
