//===- UnitBuilder.cpp - A gradus.func under construction -------------------===//

#include "lang/UnitBuilder.h"

using namespace gradus;
using namespace gradus::lang;
using llvm::SmallVector;
using mlir::Value;

UnitBuilder::UnitBuilder(Algebra &algebra, mlir::ModuleOp module, FuncKind kind, llvm::StringRef symbol, Location at)
    : dropsUnused(kind == FuncKind::RuleInit || kind == FuncKind::TrainInit), algebra(algebra), isSorted(kind != FuncKind::Loss && kind != FuncKind::Fn && kind != FuncKind::Test),
      before(algebra.builder.saveInsertionPoint()) {
  algebra.numEvaluated = 0;
  mlir::OpBuilder &builder = algebra.builder;
  builder.setInsertionPointToEnd(module.getBody());
  auto type = builder.getFunctionType({}, {});
  func = FuncOp::create(builder, algebra.place(at), kind, symbol, type, mlir::ArrayAttr(), mlir::ArrayAttr());
  builder.setInsertionPointToStart(&func.getBody().emplaceBlock());
}

UnitBuilder::~UnitBuilder() { algebra.builder.restoreInsertionPoint(before); }

Value UnitBuilder::addArgument(Role role, llvm::StringRef name, ArrayType type, Location at, Extra extra) {
  // A rule that is called inside a block is elaborated once for each tensor, with the same hyper-parameters.
  for (const Argument &argument : arguments)
    if (role == Role::Hyper && argument.role == role && argument.name == name)
      return argument.value;
  Value value = func.getBody().front().addArgument(type, algebra.place(at));
  arguments.push_back({role, name.str(), extra, value});
  if (role == Role::Hyper || role == Role::Time)
    algebra.ofEveryWorker.insert(value);
  return value;
}

void UnitBuilder::addResult(Role role, llvm::StringRef name, Value value, Value of, bool isShared) {
  results.push_back({role, name.str(), value, of, isShared});
}

bool UnitBuilder::hasArgument(llvm::StringRef name) const {
  return llvm::any_of(arguments, [&](const Argument &argument) { return argument.name == name; });
}

bool UnitBuilder::isPerSlot(Value value) const {
  llvm::SmallPtrSet<mlir::Attribute, 8> sharedSizes(algebra.sharedSizes.begin(), algebra.sharedSizes.end());
  llvm::SmallPtrSet<Value, 8> shared;
  for (const Argument &argument : arguments)
    if (argument.extra.isShared || argument.role == Role::Hyper || argument.role == Role::Time) {
      auto shape = Algebra::typeOf(argument.value).getShape();
      shared.insert(argument.value);
      sharedSizes.insert(shape.begin(), shape.end());
    }
  auto isOwnSize = [&](mlir::Attribute dim) { return llvm::isa<mlir::StringAttr>(dim) && !sharedSizes.contains(dim); };
  SmallVector<Value> pending{value};
  llvm::SmallPtrSet<Value, 32> seen;
  while (!pending.empty()) {
    Value next = pending.pop_back_val();
    if (shared.contains(next) || !seen.insert(next).second)
      continue;
    if (llvm::any_of(Algebra::typeOf(next).getShape(), isOwnSize))
      return true;
    mlir::Operation *op = next.getDefiningOp();
    if (!op) {
      auto argument = llvm::cast<mlir::BlockArgument>(next);
      if (argument.getOwner()->getParentOp() == func)
        return true;
      // Behind the operands a derivative has the results, which depend on no more than the operands, and their cotangents.
      if (auto custom = llvm::dyn_cast<CustomOp>(argument.getOwner()->getParentOp()); custom && argument.getArgNumber() < custom->getNumOperands())
        pending.push_back(custom.getXs()[argument.getArgNumber()]);
      continue;
    }
    if (auto custom = llvm::dyn_cast<CustomOp>(op)) { // what its body makes of its operands, which may be one number for all
      pending.push_back(custom.getBody().front().getTerminator()->getOperand(llvm::cast<mlir::OpResult>(next).getResultNumber()));
      continue;
    }
    if (llvm::isa<AllReduceOp>(op))
      continue;
    if (auto oracle = llvm::dyn_cast<OracleOp>(op)) { // a gradient belongs to whom the point belongs
      if (oracle.getQuery() != OracleQuery::Value)
        pending.push_back(oracle.getPoint()[oracle.getWrt()[llvm::cast<mlir::OpResult>(next).getResultNumber()]]);
      continue;
    }
    if (llvm::isa<EveryOp, IfOp>(op)) { // one result depends on what its paths give it, not on the others
      unsigned number = llvm::cast<mlir::OpResult>(next).getResultNumber();
      bool hasKept = llvm::isa<EveryOp>(op);
      pending.append(op->operand_begin(), op->operand_begin() + (hasKept ? 2 : 1));
      if (hasKept)
        pending.push_back(op->getOperand(2 + number));
      for (mlir::Region &region : op->getRegions())
        pending.push_back(region.front().getTerminator()->getOperand(number));
      continue;
    }
    if (auto size = llvm::dyn_cast<DimOp>(op); size && isOwnSize(size.getSymbolAttr()))
      return true;
    op->walk([&](mlir::Operation *inner) {
      if (!llvm::isa<AllReduceOp, OracleOp>(inner))
        llvm::append_range(pending, inner->getOperands());
    });
  }
  return false;
}

static unsigned rankOf(Role role) {
  switch (role) {
  case Role::Hyper:
    return 0;
  case Role::Time:
    return 1;
  case Role::Param:
    return 2;
  case Role::Grad:
    return 3;
  case Role::Input:
    return 4;
  case Role::State:
    return 5;
  default:
    return 6;
  }
}

void UnitBuilder::sortArguments() {
  std::stable_sort(arguments.begin(), arguments.end(), [](const Argument &a, const Argument &b) {
    return std::pair(rankOf(a.role), a.extra.group) < std::pair(rankOf(b.role), b.extra.group);
  });
  mlir::Block &block = func.getBody().front();
  unsigned count = block.getNumArguments();
  for (Argument &argument : arguments) {
    Value moved = block.addArgument(argument.value.getType(), argument.value.getLoc());
    argument.value.replaceAllUsesWith(moved);
    for (Result &result : results) {
      if (result.value == argument.value)
        result.value = moved;
      if (result.of == argument.value)
        result.of = moved;
    }
    argument.value = moved;
  }
  block.eraseArguments(0, count);
}

/// Erases what nothing uses, from the end.
static void eraseDead(mlir::Block &block) {
  for (mlir::Operation &op : llvm::make_early_inc_range(llvm::reverse(block))) {
    if (mlir::isOpTriviallyDead(&op)) {
      op.erase();
      continue;
    }
    for (mlir::Region &region : op.getRegions())
      for (mlir::Block &inner : region)
        eraseDead(inner);
  }
}

bool UnitBuilder::isData(Value value) const {
  return llvm::any_of(arguments, [&](const Argument &argument) { return argument.value == value && argument.role == Role::Data; });
}

/// The first states need few of a rule's inputs, and of the data what they ask the objective for; an entry of a train unit as well.
void UnitBuilder::dropUnused() {
  mlir::Block &block = func.getBody().front();
  llvm::erase_if(arguments, [&](const Argument &argument) {
    if ((argument.role != Role::Input && argument.role != Role::Data) || !argument.value.use_empty())
      return false;
    block.eraseArgument(llvm::cast<mlir::BlockArgument>(argument.value).getArgNumber());
    return true;
  });
}

FuncOp UnitBuilder::finish(bool keep, Location at) {
  for (const Argument &argument : arguments)
    algebra.ofEveryWorker.erase(argument.value);
  if (!keep) {
    func.erase();
    return {};
  }
  mlir::OpBuilder &builder = algebra.builder;
  ReturnOp::create(builder, algebra.place(at), llvm::map_to_vector(results, [](const Result &result) { return result.value; }));
  eraseDead(func.getBody().front());
  if (dropsUnused)
    dropUnused();
  if (isSorted)
    sortArguments();
  SmallVector<mlir::Type> inputs, outputs;
  SmallVector<mlir::Attribute> argumentAttrs, resultAttrs;
  auto name = [&](llvm::StringRef text) { return builder.getNamedAttr("gradus.name", builder.getStringAttr(text)); };
  auto role = [&](Role role) { return builder.getNamedAttr("gradus.role", RoleAttr::get(builder.getContext(), role)); };
  for (Argument &argument : arguments) {
    inputs.push_back(argument.value.getType());
    SmallVector<mlir::NamedAttribute> attrs{name(argument.name), role(argument.role)};
    if (argument.extra.defaultValue)
      attrs.push_back(builder.getNamedAttr("gradus.default", argument.extra.defaultValue));
    if (argument.extra.interval)
      attrs.push_back(builder.getNamedAttr("gradus.interval", argument.extra.interval));
    if (argument.extra.isShared)
      attrs.push_back(builder.getNamedAttr("gradus.shared", builder.getUnitAttr()));
    argumentAttrs.push_back(builder.getDictionaryAttr(attrs));
  }
  for (Result &result : results) {
    outputs.push_back(result.value.getType());
    SmallVector<mlir::NamedAttribute> attrs{name(result.name), role(result.role)};
    if (result.of)
      attrs.push_back(builder.getNamedAttr(
          "gradus.of", builder.getI64IntegerAttr(llvm::cast<mlir::BlockArgument>(result.of).getArgNumber())));
    if (result.isShared)
      attrs.push_back(builder.getNamedAttr("gradus.shared", builder.getUnitAttr()));
    resultAttrs.push_back(builder.getDictionaryAttr(attrs));
  }
  func.setFunctionType(builder.getFunctionType(inputs, outputs));
  func.setArgAttrsAttr(builder.getArrayAttr(argumentAttrs));
  func.setResAttrsAttr(builder.getArrayAttr(resultAttrs));
  return func;
}
