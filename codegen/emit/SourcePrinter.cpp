//===- SourcePrinter.cpp - A function as Gradus source ---------------------------===//
//
// Which values get a name, the order of the names, the header. Statements are in SourceStatements.cpp and SourceControl.cpp, expressions in
// SourceExpression.cpp.
//
//===----------------------------------------------------------------------===//

#include "codegen/emit/SourcePrinter.h"

#include "codegen/emit/SourceWriter.h"
#include "dialect/DimExpr.h"

#include "llvm/ADT/StringExtras.h"

using namespace mlir;

namespace gradus {

/// An expression that is longer gets a name of its own.
static constexpr size_t longestInlined = 48;

//===----------------------------------------------------------------------===//
// Names
//===----------------------------------------------------------------------===//

static std::string identifierOf(StringRef name) {
  std::string text = name.str();
  for (char &c : text)
    if (!llvm::isAlnum(c) && c != '_' && static_cast<unsigned char>(c) < 128)
      c = '_';
  return text;
}

/// What is no argument of the source, since a function that draws has it anyhow.
static bool isTimeOfDraws(FuncOp func, unsigned index) { return func.getArgRole(index) == Role::Time && !func.getArgument(index).use_empty(); }

void SourceWriter::nameArguments() {
  for (Type type : func.getArgumentTypes())
    for (Attribute dim : cast<ArrayType>(type).getShape())
      if (auto symbol = dyn_cast<StringAttr>(dim))
        for (const std::string &name : DimExpr::of(symbol).getSymbols())
          names.reserve(name);
  for (auto [index, argument] : llvm::enumerate(func.getArguments())) {
    if (isTimeOfDraws(func, index)) {
      names.setExactly(argument, "t");
      continue;
    }
    std::string name = identifierOf(func.getArgName(index));
    names.setExactly(argument, ExpressionWriter::isWord(name) || draws.count(name) ? names.fresh(name + "_") : name);
  }
}

/// Results that are computed take their own names where they are free.
void SourceWriter::nameResults() {
  Operation *end = func.getBody().front().getTerminator();
  for (auto [index, value] : llvm::enumerate(end->getOperands()))
    if (value.getDefiningOp())
      wanted.try_emplace(value, identifierOf(func.getResultName(index)));
}

//===----------------------------------------------------------------------===//
// Which values get a statement
//===----------------------------------------------------------------------===//

/// How often an expression for `value` would be written out, seen through ops that leave no trace in the source.
unsigned SourceWriter::countUses(Value value) {
  if (auto known = uses.find(value); known != uses.end())
    return known->second;
  unsigned count = 0;
  for (Operation *user : value.getUsers())
    count += ExpressionWriter::isTransparent(user) && user->getNumResults() == 1 ? countUses(user->getResult(0)) : 1;
  return uses[value] = count;
}

/// Whether a region inside of the block that makes `value` reads it: there it would be computed again and again.
bool SourceWriter::isReadInside(Value value) {
  return llvm::any_of(value.getUsers(), [&](Operation *user) {
    bool isTransparent = ExpressionWriter::isTransparent(user) && user->getNumResults() == 1;
    return user->getBlock() != value.getParentBlock() || (isTransparent && isReadInside(user->getResult(0)));
  });
}

/// True for whole numbers and conditions that the indices alone decide, as `k < i`: they read best where they are used.
bool SourceWriter::isOfIndices(Value value) {
  if (auto known = ofIndices.find(value); known != ofIndices.end())
    return known->second;
  Operation *op = value.getDefiningOp();
  bool isPlain = op && !arrayType(value).isFloat() && isa<AddOp, AndOp, BroadcastOp, CompareOp, ConstantOp, DimOp, IotaOp, MulOp, NotOp, OrOp, SubOp>(op) &&
                 llvm::all_of(op->getOperands(), [&](Value operand) { return isOfIndices(operand); });
  return ofIndices[value] = isPlain;
}

static bool isName(StringRef text) {
  return llvm::all_of(text, [](char c) { return llvm::isAlnum(c) || c == '_'; });
}

bool SourceWriter::needsStatement(Value value, const std::string &inlined) {
  Operation *op = value.getDefiningOp();
  bool isJoined = llvm::any_of(value.getUsers(), llvm::IsaPred<ConcatOp, ReshapeOp>); // they take a name
  if (isa<ConcatOp, CumulateOp, ScatterAddOp, ScatterOp>(op) || isJoined)
    return true;
  if (isa<ConstantOp>(op))
    return arrayType(value).getRank() != 0;
  if (ExpressionWriter::isTransparent(op) || isa<DimOp, IotaOp>(op))
    return wanted.contains(value);
  if (wanted.contains(value))
    return true;
  if ((isOfIndices(value) && inlined.size() <= longestInlined) || isName(inlined))
    return false;
  return countUses(value) > 1 || isReadInside(value) || inlined.size() > longestInlined;
}

std::string SourceWriter::freshFor(Value value) {
  auto asked = wanted.find(value);
  return names.fresh(asked != wanted.end() ? asked->second : arrayType(value).getRank() ? "v" : "s");
}

std::string SourceWriter::frameOf(ArrayRef<Attribute> shape) {
  std::string sizes = ExpressionWriter::writeShape(shape);
  std::string &name = frames[sizes];
  if (name.empty()) {
    name = names.fresh("shape");
    write(name + " = zeros(" + sizes + ")");
  }
  return name;
}

//===----------------------------------------------------------------------===//
// Header
//===----------------------------------------------------------------------===//

/// The element type that the source calls real: the one that arrays are computed in, or else that of the first floating argument.
Type SourceWriter::realElement() {
  Type real;
  auto isReal = [](Type type) { return cast<ArrayType>(type).isFloat() && !cast<ArrayType>(type).isScalar(); };
  func.walk([&](Operation *op) {
    if ((op->hasTrait<Pointwise>() || isa<ContractOp>(op)) && !isa<CastOp>(op) && isReal(op->getResult(0).getType())) {
      real = arrayType(op->getResult(0)).getElementType();
      return WalkResult::interrupt();
    }
    return WalkResult::advance();
  });
  for (Type type : func.getArgumentTypes())
    if (!real && isReal(type))
      real = cast<ArrayType>(type).getElementType();
  return real ? real : Float64Type::get(func.getContext());
}

/// `W: [d, c]`, `label: [n] int`, `delta = 1.0 in (0, 10]`.
std::string SourceWriter::describeArgument(unsigned index) {
  auto type = cast<ArrayType>(func.getArgumentTypes()[index]);
  std::string text = names.get(func.getArgument(index));
  bool isHyper = func.getArgRole(index) == Role::Hyper;
  bool isNumber = isHyper && type.isScalar() && (!type.isFloat() || func.getArgAttr(index, "gradus.default"));
  if (!isNumber)
    text += ": [" + ExpressionWriter::writeShape(type.getShape()) + "]";
  std::string storage;
  if (type.isBool())
    storage = "bool";
  else if (type.isInt())
    storage = "int";
  else if (!type.isScalar() && type.getElementType() != realElement())
    llvm::raw_string_ostream(storage) << type.getElementType();
  if (!storage.empty())
    text += (isNumber ? ": " : " ") + storage;
  if (auto value = func.getArgAttr(index, "gradus.default"))
    text += " = " + ExpressionWriter::writeAttribute(value);
  if (auto interval = func.getArgAttrOfType<IntervalAttr>(index, "gradus.interval"))
    text += std::string(" in ") + (interval.getLowClosed() ? "[" : "(") + ExpressionWriter::writeNumber(interval.getLowValue()) + ", " +
            ExpressionWriter::writeNumber(interval.getHighValue()) + (interval.getHighClosed() ? "]" : ")");
  return text;
}

FailureOr<std::string> SourceWriter::run() {
  collectDraws();
  nameArguments();
  nameResults();
  std::string name = identifierOf(func.getSymName());
  SmallVector<std::string> arguments;
  for (unsigned i = 0, n = func.getNumArguments(); i < n; ++i)
    if (!isTimeOfDraws(func, i))
      arguments.push_back(describeArgument(i));
  if (failed(writeBlock(func.getBody().front())))
    return failure();
  SmallVector<std::string> results;
  for (Value value : func.getBody().front().getTerminator()->getOperands()) {
    std::string result = names.get(value);
    if (result.empty()) {
      FailureOr<std::string> inlined = expressions.write(value, {}, /*isRoot=*/true);
      if (failed(inlined))
        return failure();
      result = *inlined;
    }
    results.push_back(result);
  }
  return writeDrawing() + "fn " + name + "(" + llvm::join(arguments, ", ") + ") {\n" + body + "  return " + llvm::join(results, ", ") + "\n}\n";
}

std::vector<std::string> SourceWriter::findPartials() {
  collectDraws();
  nameArguments();
  std::vector<std::string> partials;
  for (unsigned i = 0, n = func.getNumResults(); i < n; ++i) {
    StringRef of = func.getResultName(i);
    bool isPartial = func.getResultRole(i) == Role::Grad && of.consume_front("grad_");
    std::string &partial = partials.emplace_back();
    for (unsigned k = 0; isPartial && k < func.getNumArguments(); ++k)
      if (func.getArgName(k) == of)
        partial = names.get(func.getArgument(k));
  }
  return partials;
}

FailureOr<std::string> printAsSource(FuncOp func) { return SourceWriter(func).run(); }

std::vector<std::string> findPartials(FuncOp func) { return SourceWriter(func).findPartials(); }

} // namespace gradus
