//===- FormatHeads.cpp - statements and headers without their blocks ------===//

#include "lang/FormatDocs.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace gradus;
using namespace gradus::ast;

//===----------------------------------------------------------------------===//
// Statements
//===----------------------------------------------------------------------===//

static Doc docOfDecls(const char *word, const std::vector<Decl> &decls) {
  Doc doc;
  doc += word;
  doc += commaSeparated(decls, [](const Decl &decl) { return docOf(decl); });
  return doc;
}

static Doc docOfAssign(const AssignStmt &stmt) {
  Doc doc;
  doc += commaSeparated(stmt.targets, [](const Target &target) { return docOf(target); });
  doc += stmt.isAdd ? " += " : " = ";
  doc += docOf(*stmt.value);
  for (const ast::Boundary &boundary : stmt.boundaries) {
    doc += ", ";
    doc += docOf(boundary.place);
    doc += " = ";
    doc += docOf(*boundary.value);
  }
  return doc;
}

static Doc docOfGrad(const GradStmt &stmt) {
  Doc doc;
  doc += "grad ";
  doc += commaSeparated(stmt.entries, [](const GradStmt::Entry &entry) {
    return Doc::of(textOf(entry.name) + (entry.of ? " of " + textOf(*entry.of) : ""));
  });
  return doc;
}

/// `before value between tail`, the tail only if there is one.
static Doc docOfPair(const std::string &before, const ExprPtr &value, const char *between, const ExprPtr &tail) {
  Doc doc;
  doc += before;
  doc += docOf(*value);
  if (tail) {
    doc += between;
    doc += docOf(*tail);
  }
  return doc;
}

static Doc docOfValues(const char *word, const std::vector<ExprPtr> &values) {
  Doc doc;
  doc += word;
  doc += commaSeparated(values, [](const ExprPtr &value) { return docOf(*value); });
  return doc;
}

static Doc headOfLoop(const LoopStmt &stmt) {
  Doc doc;
  doc += "loop";
  doc += docOf(stmt.slot);
  doc += " ";
  if (stmt.variable)
    doc += textOf(*stmt.variable) + " in ";
  doc += docOf(*stmt.bound);
  if (!stmt.inits.empty()) {
    doc += " with ";
    doc += commaSeparated(stmt.inits, [](const LoopInit &init) {
      Doc result;
      result += textOf(init.name);
      if (init.type) {
        result += ": ";
        result += docOf(*init.type);
      }
      result += " = ";
      result += docOf(*init.value);
      return result;
    });
  }
  if (stmt.condition) {
    doc += " while ";
    doc += docOf(*stmt.condition);
  }
  return doc;
}

static FormatPiece pieceOfFunction(const FunctionStmt &stmt) {
  Doc doc;
  doc += (stmt.hasKeyword ? "fn " : "") + textOf(stmt.name);
  doc += docOf(stmt.params);
  doc += docOf(stmt.indices);
  if (stmt.body.value) {
    doc += " = ";
    doc += docOf(*stmt.body.value);
  }
  return {std::move(doc), stmt.body.block.get(), nullptr};
}

FormatPiece gradus::pieceOf(const Stmt &stmt) {
  using Case = FormatPiece;
  return llvm::TypeSwitch<const Stmt *, FormatPiece>(&stmt)
      .Case([](const ConstStmt *s) {
        Doc doc;
        doc += "const ";
        doc += docOf(s->decl);
        return Case{std::move(doc)};
      })
      .Case([](const ParamStmt *s) { return Case{docOfDecls(s->isJoint ? "joint param " : "param ", s->decls)}; })
      .Case([](const GradStmt *s) { return Case{docOfGrad(*s)}; })
      .Case([](const StateStmt *s) { return Case{docOfDecls(s->isShared ? "shared state " : "state ", s->decls)}; })
      .Case([](const InputStmt *s) { return Case{docOfDecls(s->isShared ? "shared input " : "input ", s->decls)}; })
      .Case(
          [](const DrawStmt *s) { return Case{docOfPair("draw " + textOf(s->name) + " = ", s->value, " at ", s->at)}; })
      .Case([&](const FunctionStmt *s) { return pieceOfFunction(*s); })
      .Case([](const AssignStmt *s) { return Case{docOfAssign(*s)}; })
      .Case([](const EveryStmt *s) {
        return Case{docOfPair("every ", s->period, "", nullptr), &s->block};
      })
      .Case([](const WhenStmt *s) {
        return Case{docOfPair("when ", s->condition, "", nullptr), &s->block, s->otherwise ? &*s->otherwise : nullptr};
      })
      .Case([](const OnStmt *s) {
        Doc doc;
        doc += "on " + textOf(s->name);
        doc += docOf(s->params);
        return Case{std::move(doc), &s->block};
      })
      .Case([&](const LoopStmt *s) {
        return Case{headOfLoop(*s), &s->block};
      })
      .Case([](const EmitStmt *s) {
        Doc doc;
        doc += "emit ";
        doc += docOf(s->names);
        return Case{std::move(doc)};
      })
      .Case([](const ReturnStmt *s) { return Case{docOfValues("return ", s->values)}; })
      .Case([](const ExpectStmt *s) { return Case{docOfPair("expect ", s->condition, " within ", s->within)}; })
      .Case([](const SolvesStmt *s) { return Case{docOfValues("solves ", s->equations)}; });
}

//===----------------------------------------------------------------------===//
// Units
//===----------------------------------------------------------------------===//

Doc gradus::headOf(const Function &unit) {
  Doc head;
  head += wordOf(unit.function) + " " + textOf(unit.name);
  head += docOf(unit.params);
  head += docOf(unit.indices);
  if (unit.resultType) {
    head += ": ";
    head += docOf(*unit.resultType);
  }
  if (unit.proxOf) {
    head += " of ";
    head += docOf(*unit.proxOf);
  }
  if (!unit.solves.empty())
    head += docOfValues(" solves ", unit.solves);
  return head;
}

uint32_t gradus::headEnd(const Function &unit) {
  uint32_t line = unit.name.loc.endLine;
  auto reach = [&](const Location &loc) { line = std::max(line, loc.endLine); };
  for (const Param &param : unit.params)
    reach(param.loc);
  for (const Subscript &index : unit.indices)
    reach(index.loc);
  if (unit.resultType)
    reach(unit.resultType->loc);
  if (unit.proxOf)
    reach(unit.proxOf->loc);
  for (const ExprPtr &equation : unit.solves)
    reach(equation->loc);
  return line;
}

Doc gradus::headOf(const Rule &unit) {
  Doc head;
  head += "rule " + textOf(unit.name);
  head += docOf(unit.params);
  if (unit.oracles.empty())
    return head;
  head += " over ";
  head += commaSeparated(unit.oracles, [](const Oracle &oracle) {
    Doc doc;
    doc += textOf(oracle.name);
    if (oracle.arguments.empty())
      return doc;
    doc += "(";
    doc += docOf(oracle.arguments);
    doc += ")";
    return doc;
  });
  return head;
}

Doc gradus::docOf(const Group &group) {
  Doc doc;
  if (group.isElse)
    doc += "else";
  doc += commaSeparated(group.members, [](const GroupMember &member) {
    Doc names;
    if (member.isTuple)
      names += "(";
    names += docOf(member.names);
    if (member.isTuple)
      names += ")";
    return names;
  });
  doc += ": ";
  doc += docOf(*group.rule);
  return doc;
}

Doc gradus::headOf(const Train &unit) {
  Doc head;
  head += "train " + textOf(unit.name) + " = ";
  head += commaSeparated(unit.objectives, [](const Objective &objective) {
    Doc doc;
    doc += objective.isMaximize ? "maximize" : "minimize";
    if (objective.function) {
      doc += " ";
      doc += docOf(*objective.function);
    }
    if (!objective.over.empty()) {
      doc += " over ";
      doc += docOf(objective.over);
    }
    return doc;
  });
  head += " with ";
  return head;
}

Doc gradus::docOf(const CustomDerivative &derivative) {
  Doc doc;
  doc += "derivative(";
  doc += docOf(derivative.cotangents);
  doc += ")";
  doc += docOfValues(" = ", derivative.values);
  return doc;
}
