//===- RandomProgram.cpp - Functions that nobody would write ----------------------===//

#include "RandomProgram.h"

#include <random>

using namespace mlir;

namespace gradus {

static ArrayType arrayOf(Value value) { return cast<ArrayType>(value.getType()); }

namespace {

class Generator {
public:
  Generator(MLIRContext &context, unsigned seed, bool isOpen) : context(context), builder(&context), random(seed), isOpen(isOpen) {}

  OwningOpRef<ModuleOp> run(unsigned size);

private:
  unsigned pick(unsigned n) { return random() % n; }
  Value pickValue() { return values[pick(values.size())]; }
  /// A floating value of the type, made by a broadcast where there is none.
  Value pickOf(ArrayType type);
  Value step();
  Value makePointwise(Value x);
  Value makeBroadcast(Value x);
  Value makeReduction(Value x);
  Value makeContraction();
  Value makeIndexed(Value x);
  void makeResults(FuncOp func);

  MLIRContext &context;
  OpBuilder builder;
  std::mt19937 random;
  bool isOpen;
  Location loc = UnknownLoc::get(&context);
  ArrayType matrix, square, rows, columns, scalar;
  SmallVector<Value> values;
};

} // namespace

Value Generator::pickOf(ArrayType type) {
  SmallVector<Value> found;
  for (Value value : values)
    if (value.getType() == type)
      found.push_back(value);
  if (!found.empty())
    return found[pick(found.size())];
  Value one = ConstantOp::create(builder, loc, 0.5, type.getElementType());
  return BroadcastOp::create(builder, loc, type, one, ArrayRef<int64_t>{});
}

Value Generator::makePointwise(Value x) {
  Value y = pickOf(arrayOf(x));
  switch (pick(7)) {
  case 0: return AddOp::create(builder, loc, x, y);
  case 1: return SubOp::create(builder, loc, x, y);
  case 2: return MulOp::create(builder, loc, TanhOp::create(builder, loc, x), y);
  case 3: return ExpOp::create(builder, loc, NegOp::create(builder, loc, AbsOp::create(builder, loc, x)));
  case 4: return DivOp::create(builder, loc, x, SqrtOp::create(builder, loc, AddOp::create(builder, loc, pickOf(arrayOf(x)), MulOp::create(builder, loc, y, y))));
  case 5: {
    Value isLess = CompareOp::create(builder, loc, ComparePredicate::Lt, x, y);
    return SelectOp::create(builder, loc, isLess, x, pickOf(arrayOf(x)));
  }
  default: return SigmoidOp::create(builder, loc, x);
  }
}

Value Generator::makeBroadcast(Value x) {
  ArrayType type = arrayOf(x);
  if (type == rows)
    return BroadcastOp::create(builder, loc, pick(2) ? matrix : square, x, ArrayRef<int64_t>{0});
  if (type == columns)
    return BroadcastOp::create(builder, loc, matrix, x, ArrayRef<int64_t>{1});
  if (type != scalar)
    return TransposeOp::create(builder, loc, square, pickOf(square), ArrayRef<int64_t>{1, 0});
  ArrayType targets[] = {matrix, rows, columns};
  return BroadcastOp::create(builder, loc, targets[pick(3)], x, ArrayRef<int64_t>{});
}

Value Generator::makeReduction(Value x) {
  ArrayType type = arrayOf(x);
  ReductionKind kind = pick(3) ? ReductionKind::Sum : ReductionKind::Max;
  if (type == scalar)
    return isOpen && pick(2) ? AllReduceOp::create(builder, loc, kind, x).getResult() : MulOp::create(builder, loc, x, x).getResult();
  SmallVector<int64_t> axes{0, 1};
  if (type.getRank() == 1)
    axes = {0};
  else if (pick(3))
    axes = {static_cast<int64_t>(pick(2))};
  return ReduceOp::create(builder, loc, type.dropAxes(axes), kind, x, axes, TypeAttr());
}

Value Generator::makeContraction() {
  Value x = pickOf(matrix);
  switch (pick(3)) {
  case 0: return ContractOp::create(builder, loc, rows, x, pickOf(columns), ArrayRef<int64_t>{0, 1}, ArrayRef<int64_t>{1}, ArrayRef<int64_t>{0});
  case 1: return ContractOp::create(builder, loc, scalar, x, pickOf(matrix), ArrayRef<int64_t>{0, 1}, ArrayRef<int64_t>{0, 1}, ArrayRef<int64_t>{});
  default:
    Value turned = TransposeOp::create(builder, loc, square, pickOf(square), ArrayRef<int64_t>{1, 0});
    return ContractOp::create(builder, loc, matrix, turned, x, ArrayRef<int64_t>{0, 1}, ArrayRef<int64_t>{1, 2}, ArrayRef<int64_t>{0, 2});
  }
}

/// Gathers and scatters by the largest element of a row, which is always inside.
Value Generator::makeIndexed(Value x) {
  Value z = pickOf(matrix);
  ArrayType indexType = rows.withElement(builder.getI64Type());
  Value i = IotaOp::create(builder, loc, indexType, 0);
  Value k = ArgReduceOp::create(builder, loc, indexType, ReductionKind::Max, pickOf(matrix), 1);
  if (pick(2))
    return GatherOp::create(builder, loc, rows, z, ValueRange{i, k});
  return ScatterAddOp::create(builder, loc, z, ValueRange{i, k}, pickOf(rows));
}

Value Generator::step() {
  Value x = pickValue();
  switch (pick(8)) {
  case 0: return makeBroadcast(x);
  case 1:
  case 2: return makeReduction(x);
  case 3: return makeContraction();
  case 4: return makeIndexed(x);
  default: return makePointwise(x);
  }
}

/// Most arguments get a next value; one result more is a report.
void Generator::makeResults(FuncOp func) {
  SmallVector<Value> results;
  SmallVector<Type> types;
  SmallVector<DictionaryAttr> attributes;
  auto add = [&](Value value, Role role, StringRef name, int64_t of) {
    SmallVector<NamedAttribute> pairs{builder.getNamedAttr("gradus.name", builder.getStringAttr(name)),
                                      builder.getNamedAttr("gradus.role", RoleAttr::get(&context, role))};
    if (of >= 0)
      pairs.push_back(builder.getNamedAttr("gradus.of", builder.getI64IntegerAttr(of)));
    results.push_back(value);
    types.push_back(value.getType());
    attributes.push_back(builder.getDictionaryAttr(pairs));
  };
  for (BlockArgument arg : func.getArguments())
    if (!arrayOf(arg).isScalar() && pick(4))
      add(pickOf(arrayOf(arg)), Role::Next, func.getArgName(arg.getArgNumber()), arg.getArgNumber());
  add(pickOf(scalar), Role::Report, "report", -1);
  add(values.back(), Role::Report, "last", -1);
  ReturnOp::create(builder, loc, results);
  func.setFunctionType(builder.getFunctionType(func.getArgumentTypes(), types));
  SmallVector<Attribute> list(attributes.begin(), attributes.end());
  func.setResAttrsAttr(builder.getArrayAttr(list));
}

OwningOpRef<ModuleOp> Generator::run(unsigned size) {
  Attribute n = builder.getStringAttr("n"), c = builder.getStringAttr("c");
  Type f64 = builder.getF64Type();
  matrix = ArrayType::get({n, c}, f64);
  square = ArrayType::get({n, n}, f64);
  rows = ArrayType::get(ArrayRef<Attribute>{n}, f64);
  columns = ArrayType::get(ArrayRef<Attribute>{c}, f64);
  scalar = ArrayType::scalar(f64);
  SmallVector<Type> types{scalar, matrix, matrix, square, rows, columns};
  Role roles[] = {Role::Hyper, Role::Param, Role::State, Role::State, Role::State, Role::State};
  SmallVector<Attribute> attributes;
  for (unsigned i = 0; i < types.size(); ++i)
    attributes.push_back(builder.getDictionaryAttr({builder.getNamedAttr("gradus.name", builder.getStringAttr("a" + std::to_string(i))),
                                                    builder.getNamedAttr("gradus.role", RoleAttr::get(&context, roles[i]))}));
  OwningOpRef<ModuleOp> module(ModuleOp::create(loc));
  builder.setInsertionPointToStart(module->getBody());
  auto func = FuncOp::create(builder, loc, isOpen ? FuncKind::RuleStep : FuncKind::TrainStep, "random", builder.getFunctionType(types, {}),
                             builder.getArrayAttr(attributes), ArrayAttr());
  if (isOpen)
    func->setAttr("open", builder.getUnitAttr());
  Block *block = builder.createBlock(&func.getBody());
  for (Type type : types)
    values.push_back(block->addArgument(type, loc));
  for (unsigned i = 0; i < size; ++i)
    values.push_back(step());
  makeResults(func);
  return module;
}

OwningOpRef<ModuleOp> makeRandomProgram(MLIRContext &context, unsigned seed, unsigned size, bool isOpen) {
  return Generator(context, seed, isOpen).run(size);
}

} // namespace gradus
