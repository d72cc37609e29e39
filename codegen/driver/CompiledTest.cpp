//===- CompiledTest.cpp - A test block on compiled code --------------------------===//
//
// A test is cut in two. What its claims compare becomes the results of a function, which is compiled; the claims themselves become a small
// test that takes these results and is run by the evaluator, so that `~` and `==` mean the same in both engines.
//
// A test knows all its numbers, and the compiler would fold them away. They become arguments, as they are in an application: its arrays
// are data, its real numbers hyper-parameters. Integers and truth values stay, because sizes and places are made of them.
//
//===----------------------------------------------------------------------===//

#include "codegen/driver/CompiledTest.h"

#include "codegen/cpu/JitEntry.h"
#include "codegen/driver/Session.h"
#include "codegen/driver/Training.h"

#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/SetVector.h"

#include <cstring>

using namespace mlir;

namespace gradus::driver {

namespace {

/// The claims of a test and what they read.
struct Claims {
  llvm::SetVector<Value> values;     ///< what is compared: compiled
  llvm::SetVector<Operation *> host; ///< what the evaluator does: the claims with their comparisons and constants
};

struct NamedArgument {
  std::string name;
  Role role;
};

} // namespace

static void takeCondition(Value condition, Claims &claims) {
  Operation *op = condition.getDefiningOp();
  if (isa_and_nonnull<AndOp, CompareOp, ConstantOp, NotOp, OrOp, XorOp>(op)) {
    for (Value operand : op->getOperands())
      takeCondition(operand, claims);
    claims.host.insert(op);
  } else {
    claims.values.insert(condition);
  }
}

static Claims findClaims(FuncOp test) {
  Claims claims;
  for (Operation &op : test.getBody().front())
    if (isa<ExpectNearOp, ExpectOp>(op)) {
      for (Value operand : op.getOperands())
        takeCondition(operand, claims);
      claims.host.insert(&op);
    }
  return claims;
}

static ArrayAttr describeAll(Builder &builder, ArrayRef<NamedArgument> all) {
  SmallVector<Attribute> attributes;
  for (const NamedArgument &one : all)
    attributes.push_back(builder.getDictionaryAttr({
        builder.getNamedAttr("gradus.name", builder.getStringAttr(one.name)),
        builder.getNamedAttr("gradus.role", RoleAttr::get(builder.getContext(), one.role)),
    }));
  return builder.getArrayAttr(attributes);
}

static std::vector<NamedArgument> nameAll(StringRef prefix, size_t count, Role role) {
  std::vector<NamedArgument> all;
  for (size_t i = 0; i < count; ++i)
    all.push_back({(prefix + Twine(i)).str(), role});
  return all;
}

static FuncOp createFunction(OpBuilder &builder, FuncOp test, FuncKind kind, StringRef name) {
  FuncOp func = FuncOp::create(builder, test.getLoc(), kind, name, builder.getFunctionType({}, {}), ArrayAttr(), ArrayAttr());
  func.getBody().emplaceBlock();
  return func;
}

/// The claims as a test that takes their values.
static FuncOp buildHostPart(FuncOp test, const Claims &claims, ModuleOp module) {
  OpBuilder builder = OpBuilder::atBlockEnd(module.getBody());
  FuncOp func = createFunction(builder, test, FuncKind::Test, "claims");
  Block &body = func.getBody().front();
  IRMapping map;
  for (Value value : claims.values)
    map.map(value, body.addArgument(value.getType(), value.getLoc()));
  builder.setInsertionPointToEnd(&body);
  for (Operation *op : claims.host)
    builder.clone(*op, map);
  ReturnOp::create(builder, test.getLoc(), ValueRange());
  func.setFunctionType(builder.getFunctionType(body.getArgumentTypes(), {}));
  func.setArgAttrsAttr(describeAll(builder, nameAll("value", claims.values.size(), Role::Data)));
  return func;
}

/// Whether a constant becomes an argument. A call accepts no infinite hyper-parameter and no NaN; a recurrence reads nothing around it.
static bool isLifted(ConstantOp op) {
  if (op->getParentOfType<ScanOp>())
    return false;
  auto values = dyn_cast<DenseFPElementsAttr>(op.getValue());
  return values && (!cast<ArrayType>(op.getType()).isScalar() || (*values.value_begin<APFloat>()).isFinite());
}

/// Makes arguments of the constants of `func` and gives their values.
static std::vector<ElementsAttr> liftConstants(FuncOp func) {
  Block &body = func.getBody().front();
  llvm::MapVector<Attribute, SmallVector<ConstantOp>> constants;
  func.walk([&](ConstantOp op) {
    if (isLifted(op))
      constants[op.getValueAttr()].push_back(op);
  });
  std::vector<ElementsAttr> values;
  std::vector<NamedArgument> names;
  for (auto &[value, ops] : constants) {
    auto type = cast<ArrayType>(ops.front().getType());
    BlockArgument argument = body.addArgument(type, ops.front().getLoc());
    names.push_back({"constant" + std::to_string(names.size()), type.isScalar() ? Role::Hyper : Role::Data});
    values.push_back(cast<ElementsAttr>(value));
    for (ConstantOp op : ops) {
      op.getResult().replaceAllUsesWith(argument);
      op.erase();
    }
  }
  Builder builder(func.getContext());
  func.setFunctionType(builder.getFunctionType(body.getArgumentTypes(), body.getTerminator()->getOperandTypes()));
  func.setArgAttrsAttr(describeAll(builder, names));
  return values;
}

/// What the claims compare, as a function of the test's numbers.
static FuncOp buildCompiledPart(FuncOp test, const Claims &claims, ModuleOp module) {
  OpBuilder builder = OpBuilder::atBlockEnd(module.getBody());
  FuncOp func = createFunction(builder, test, FuncKind::Fn, "values");
  builder.setInsertionPointToEnd(&func.getBody().front());
  IRMapping map;
  for (Operation &op : test.getBody().front().without_terminator())
    if (!isa<ExpectNearOp, ExpectOp>(op))
      builder.clone(op, map);
  SmallVector<Value> results;
  for (Value value : claims.values)
    results.push_back(map.lookup(value));
  ReturnOp::create(builder, test.getLoc(), results);
  func.setFunctionType(builder.getFunctionType({}, ValueRange(results).getTypes()));
  func.setResAttrsAttr(describeAll(builder, nameAll("result", results.size(), Role::Value)));
  return func;
}

static bool hasKnownSizes(const EntryTensor &tensor) {
  return llvm::all_of(tensor.dims, [](Attribute dim) { return isa<IntegerAttr>(dim); });
}

/// A tensor of the call in memory; the values of an argument, zeros for a result.
static Variable makeVariable(const EntryTensor &tensor, ArrayRef<ElementsAttr> constants) {
  Variable variable{tensor, {}, {}};
  for (Attribute dim : tensor.dims)
    variable.dims.push_back(cast<IntegerAttr>(dim).getInt());
  variable.bytes.resize(std::max<int64_t>(1, variable.size()) * 8);
  if (tensor.argument >= 0)
    for (auto [i, x] : llvm::enumerate(cast<DenseFPElementsAttr>(constants[tensor.argument]).getValues<APFloat>()))
      variable.set(i, x.convertToDouble());
  return variable;
}

static reference::Array<double> toArray(const Variable &variable) {
  ArrayType type = variable.layout.type;
  auto array = reference::Array<double>::zeros(type.isFloat()  ? reference::Kind::Real
                                               : type.isBool() ? reference::Kind::Bool
                                                               : reference::Kind::Integer,
                                               variable.dims);
  for (int64_t i = 0, n = variable.size(); i < n; ++i)
    if (type.isFloat())
      array.reals[i] = variable.get(i);
    else if (variable.layout.dtype == GRADUS_I64)
      std::memcpy(&array.ints[i], variable.bytes.data() + 8 * i, 8); // a double would round it
    else
      array.ints[i] = static_cast<int64_t>(variable.get(i));
  return array;
}

/// One call of the compiled function on the test's numbers; its results in order, or nothing with `error` set.
static std::optional<reference::Arrays<double>> callCompiled(const EntryLayout &layout, Jit &jit, ArrayRef<ElementsAttr> constants,
                                                             std::string &error) {
  JitEntry entry(layout, jit);
  std::vector<double> hypers;
  for (const EntryHyper &hyper : layout.hypers)
    hypers.push_back((*cast<DenseFPElementsAttr>(constants[hyper.argument]).value_begin<APFloat>()).convertToDouble());
  std::vector<Variable> variables;
  for (const EntryTensor &tensor : layout.tensors)
    variables.push_back(makeVariable(tensor, constants));
  std::vector<gradus_tensor> slot;
  for (Variable &variable : variables)
    slot.push_back(variable.view());
  if (!entry.isThere()) {
    error = "internal: the compiled test lacks its entry";
    return std::nullopt;
  }
  if (entry.call(hypers.data(), /*t=*/1, /*seed=*/0, slot, /*report=*/nullptr, error) != GRADUS_OK)
    return std::nullopt;
  reference::Arrays<double> results;
  for (const Variable &variable : variables)
    if (variable.layout.result >= 0)
      results.push_back(toArray(variable));
  return results;
}

reference::TestResult runCompiledTest(Session &session, FuncOp test) {
  reference::TestResult result;
  result.passed = false;
  if (test.walk([&](Operation *op) { return isa<ExpectNearOp, ExpectOp>(op) && op->getParentOp() != test ? WalkResult::interrupt() : WalkResult::advance(); })
          .wasInterrupted()) {
    result.error = "a claim stands inside of a loop";
    return result;
  }
  Claims claims = findClaims(test);
  OwningOpRef<ModuleOp> host(ModuleOp::create(test.getLoc())), code(ModuleOp::create(test.getLoc()));
  FuncOp claimed = buildHostPart(test, claims, *host);
  FuncOp values = buildCompiledPart(test, claims, *code);
  std::vector<ElementsAttr> constants = liftConstants(values);
  EntryLayout layout = computeEntryLayout(values);
  if (!llvm::all_of(layout.tensors, hasKnownSizes)) {
    result.error = "a claim compares arrays whose size is known to the evaluator alone";
    return result;
  }
  reference::Arrays<double> results;
  if (!claims.values.empty()) {
    if (!session.runPhasesOn(*code, Phase::Lower) || failed(convertToLLVMDialect(*code))) {
      result.error = "the test cannot be compiled";
      return result;
    }
    std::unique_ptr<Jit> jit = Jit::create(*code, CpuTarget{"native"}, result.error);
    if (!jit)
      return result;
    auto computed = callCompiled(layout, *jit, constants, result.error);
    if (!computed)
      return result;
    results = std::move(*computed);
  }
  return reference::runTest(claimed, results);
}

} // namespace gradus::driver
