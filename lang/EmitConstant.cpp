//===- EmitConstant.cpp - Constants ---------------------------------------------===//
//
// `const table: [2, 4] = ..` in a body or at the top of a file. One of a file has no value of its own: an SSA value belongs to one function, so
// that it is evaluated anew in each function that reads it, in the scope of its file. What is evaluated twice in one function is one computation.
//
//===----------------------------------------------------------------------===//

#include "lang/Elaborator.h"

using namespace gradus;
using namespace gradus::lang;
using mlir::Attribute;

/// The value of a declaration, which has the shape that it says.
Entity Elaborator::evalConstant(const ast::Decl &decl, Scope &scope) {
  if (!decl.value) {
    error(Code::ConstantForm, decl.loc, "the constant '" + decl.name.name + "' has no value").suggest("const " + decl.name.name + " = 1");
    return {};
  }
  Entity value = eval(*decl.value, scope);
  bool hasShape = decl.type && decl.type->hasDims && value.isArray() && !value.isPoison();
  if (hasShape && !bindShape(*decl.type, value.array(), decl.name.name, decl.loc, scope))
    return {};
  return value;
}

/// Whether the operations from behind `last` up to the place at hand ask for what differs from step to step, or from worker to worker.
static bool asksForMore(mlir::OpBuilder &builder, mlir::Operation *last) {
  auto isMore = [](mlir::Operation *op) { return llvm::isa<DrawOp, ExchangeOp, WorkersOp>(op) ? mlir::WalkResult::interrupt() : mlir::WalkResult::advance(); };
  mlir::Block *block = builder.getInsertionBlock();
  for (auto it = last ? std::next(last->getIterator()) : block->begin(); it != builder.getInsertionPoint(); ++it)
    if (it->walk(isMore).wasInterrupted())
      return true;
  return false;
}

Entity Elaborator::declare(const ast::Const &unit, Scope &file) { return &arena.constants.emplace_back(Constant{&unit.decl, &file}); }

/// A constant of a file, wherever it is read: what surrounds the reader means nothing to it.
Entity Elaborator::evalConstant(const Constant &constant) {
  if (arena.broken.contains(&constant))
    return {};
  const ast::Decl &decl = *constant.decl;
  if (llvm::is_contained(constantsAtWork, &constant)) {
    Diagnostic &diagnostic = error(Code::ConstantForm, decl.loc, "the constant '" + decl.name.name + "' is made of itself");
    if (constantsAtWork.back() != &constant)
      diagnostic.note(constantsAtWork.back()->decl->loc, "'" + constantsAtWork.back()->decl->name.name + "' reads it here");
    arena.broken.insert(&constant);
    return {};
  }
  llvm::SaveAndRestore lane(activeLane, std::optional<size_t>());
  llvm::SaveAndRestore conditions(numConditions, 0u);
  llvm::SaveAndRestore under(chosen, std::vector<Chosen>());
  llvm::SaveAndRestore written(primes, static_cast<Primes *>(nullptr));
  constantsAtWork.push_back(&constant);
  mlir::Operation *last = lastOperation();
  Entity value = evalConstant(decl, *arena.scope(constant.home));
  constantsAtWork.pop_back();
  bool isNumber = value.isArray() || value.get<Complex>();
  if (!isNumber)
    error(Code::ConstantForm, decl.loc, "the constant '" + decl.name.name + "' is " + value.what().str() + ", not a number or an array");
  bool isConstant = value.isPoison() || !asksForMore(builder, last);
  if (!isConstant)
    error(Code::ConstantForm, decl.loc, "the constant '" + decl.name.name + "' is made of draws or of what workers tell each other").suggest("draw it in the unit that uses it");
  if (!isNumber || !isConstant || value.isPoison()) {
    arena.broken.insert(&constant);
    return {};
  }
  return value;
}

/// What a name stands for, with the value of a constant.
Entity Elaborator::valueOf(const Binding &binding) {
  const Constant *constant = binding.entity.get<Constant>();
  return constant ? evalConstant(*constant) : binding.entity;
}

/// The constant of a file that a name stands for, or null.
const Constant *Elaborator::findConstant(llvm::StringRef name, const Scope &scope) {
  const Binding *binding = scope.find(name);
  return binding ? binding->entity.get<Constant>() : nullptr;
}

/// A constant as a dimension.
Attribute Elaborator::sizeOfConstant(const Constant &constant, Location at) {
  Entity value = evalConstant(constant);
  if (value.isPoison())
    return {};
  std::optional<int64_t> size = value.isArray() ? constantIntOf(value.array()) : std::nullopt;
  if (size)
    return builder.getI64IntegerAttr(*size);
  error(Code::SizeNotWhole, at, "'" + constant.decl->name.name + "' is no size: it is not a whole number").note(constant.decl->loc, "it is a constant, declared here")
      .suggest("give the size another name");
  return {};
}

/// Evaluated once for its errors, in a function that is thrown away.
void Elaborator::emitConstant(const ast::Const &unit, Scope &file) {
  const Binding *binding = file.findHere(unit.decl.name.name);
  const Constant *constant = binding ? binding->entity.get<Constant>() : nullptr;
  if (!constant || constant->decl != &unit.decl)
    return; // a name that is declared twice
  laneCount = 1;
  UnitBuilder scratch(*this, module, FuncKind::Fn, unit.decl.name.name, unit.loc);
  evalConstant(*constant);
  scratch.finish(/*keep=*/false, unit.loc);
}
