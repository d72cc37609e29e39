//===- SourcePrinter.cpp - A function as Gradus source ---------------------------===//
//
// Statements: which values get a name, the order of the names, the header. Expressions are in SourceExpression.cpp.
//
//===----------------------------------------------------------------------===//

#include "codegen/emit/SourcePrinter.h"

#include "codegen/emit/SourceExpression.h"
#include "dialect/DimExpr.h"

#include "llvm/ADT/StringExtras.h"

using namespace mlir;

namespace gradus {

namespace {

/// Writes one function.
class SourceWriter {
public:
  explicit SourceWriter(FuncOp func)
      : func(func), expressions(names, [this](ArrayRef<Attribute> shape) { return frameOf(shape); }) {}
  FailureOr<std::string> run();

private:
  void nameArguments();
  void nameResults();
  std::string frameOf(ArrayRef<Attribute> shape);
  unsigned countUses(Value value);
  bool isOfIndices(Value value);
  bool needsStatement(Value value, const std::string &inlined);
  LogicalResult writeStatement(Value value, const std::string &name);
  LogicalResult writeStatements();
  LogicalResult writeConcat(ConcatOp op, const std::string &name);
  LogicalResult writeFft(FftOp op);
  LogicalResult writeFactorization(Operation *op);
  LogicalResult writeScan(ScanOp op);
  LogicalResult writeSort(SortOp op);
  LogicalResult writeScatter(Operation *op, const std::string &name);
  std::string describeArgument(unsigned index);
  Type realElement();

  FuncOp func;
  SourceNames names;
  ExpressionWriter expressions;
  DenseMap<Value, unsigned> uses;
  DenseMap<Value, bool> ofIndices;
  /// Arrays of zeros that give ranges, by shape.
  llvm::StringMap<std::string> frames;
  /// The names that results ask for.
  DenseMap<Value, std::string> wanted;
  std::string body;
};

} // namespace

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

void SourceWriter::nameArguments() {
  for (Type type : func.getArgumentTypes())
    for (Attribute dim : cast<ArrayType>(type).getShape())
      if (auto symbol = dyn_cast<StringAttr>(dim))
        for (const std::string &name : DimExpr::of(symbol).getSymbols())
          names.reserve(name);
  for (auto [index, argument] : llvm::enumerate(func.getArguments())) {
    std::string name = identifierOf(func.getArgName(index));
    names.setExactly(argument, ExpressionWriter::isWord(name) ? names.fresh(name + "_") : name);
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

/// True for whole numbers and conditions that the indices alone decide, as `k < i`: they read best where they are used.
bool SourceWriter::isOfIndices(Value value) {
  if (auto known = ofIndices.find(value); known != ofIndices.end())
    return known->second;
  Operation *op = value.getDefiningOp();
  bool isPlain = op && !arrayType(value).isFloat() && isa<AddOp, AndOp, BroadcastOp, CompareOp, ConstantOp, DimOp, IotaOp, MulOp, NotOp, OrOp, SubOp>(op) &&
                 llvm::all_of(op->getOperands(), [&](Value operand) { return isOfIndices(operand); });
  return ofIndices[value] = isPlain;
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
  if (isOfIndices(value) && inlined.size() <= longestInlined)
    return false;
  return countUses(value) > 1 || inlined.size() > longestInlined;
}

//===----------------------------------------------------------------------===//
// Statements
//===----------------------------------------------------------------------===//

std::string SourceWriter::frameOf(ArrayRef<Attribute> shape) {
  std::string sizes = ExpressionWriter::writeShape(shape);
  std::string &name = frames[sizes];
  if (name.empty()) {
    name = names.fresh("shape");
    body += "  " + name + " = zeros(" + sizes + ")\n";
  }
  return name;
}

/// name[i, k] = e, or name = e for a value of rank 0.
LogicalResult SourceWriter::writeStatement(Value value, const std::string &name) {
  int64_t rank = arrayType(value).getRank();
  if (auto constant = value.getDefiningOp<ConstantOp>(); constant && rank != 0) {
    body += "  " + name + " = " + ExpressionWriter::writeList(cast<DenseElementsAttr>(constant.getValue())) + "\n";
    names.setExactly(value, name);
    return success();
  }
  SmallVector<std::string> indices = names.takeIndices(rank);
  expressions.clearRanges();
  FailureOr<std::string> text = expressions.writeRanged(value, indices, /*isRoot=*/true);
  if (failed(text))
    return failure();
  body += "  " + name + (rank ? "[" + llvm::join(indices, ", ") + "]" : "") + " = " + *text + "\n";
  names.giveBack(indices);
  names.setExactly(value, name);
  return success();
}

/// Whether an index stands in one of the subscripts.
static bool standsIn(ArrayRef<std::string> places, StringRef index) {
  auto isLetter = [](char c) { return llvm::isAlnum(c) || c == '_'; };
  for (StringRef place : places)
    for (size_t at = place.find(index); at != StringRef::npos; at = place.find(index, at + 1))
      if ((at == 0 || !isLetter(place[at - 1])) && (at + index.size() == place.size() || !isLetter(place[at + index.size()])))
        return true;
  return false;
}

/// name[i, k] = x[i, k], then name[i, label[i]] += u[i], or = u[i].
LogicalResult SourceWriter::writeScatter(Operation *op, const std::string &name) {
  Value x = op->getOperand(0), written = op->getOperands().back();
  auto type = cast<ArrayType>(x.getType());
  SmallVector<std::string> indices = names.takeIndices(type.getRank());
  std::string before = names.get(x);
  if (getFill(x) == 0.0)
    body += "  " + name + " = zeros(" + ExpressionWriter::writeShape(type.getShape()) + ")\n";
  else if (!before.empty())
    body += "  " + name + "[" + llvm::join(indices, ", ") + "] = " + before + "[" + llvm::join(indices, ", ") + "]\n";
  else if (failed(writeStatement(x, name)))
    return failure();
  names.setExactly(x, before); // what is called `name` from here on is another value
  names.giveBack(indices);

  ArrayType updates = arrayType(written);
  indices = names.takeIndices(updates.getRank());
  SmallVector<std::string> letters(indices);
  for (auto [index, size] : llvm::zip_equal(indices, updates.getShape()))
    if (auto known = dyn_cast<IntegerAttr>(size); known && known.getInt() == 1)
      index = "0";
  expressions.clearRanges();
  FailureOr<SmallVector<std::string>> places = expressions.writePlaces(op->getOperands().drop_front().drop_back(), type, updates, indices);
  if (failed(places))
    return failure();
  FailureOr<std::string> update = expressions.writeRanged(written, indices);
  if (failed(update))
    return failure();
  // The subscripts bind only what stands in them; all else goes to the same place.
  SmallVector<std::string> summed;
  for (const std::string &index : indices)
    if (index != "0" && !standsIn(*places, index))
      summed.push_back(index);
  if (!summed.empty() && isa<ScatterOp>(op))
    return op->emitError("G0853: '") << op->getName() << "' of several values to one place cannot be written as source";
  if (!summed.empty())
    *update = "sum[" + llvm::join(summed, ", ") + "](" + *update + ")";
  body += "  " + name + "[" + llvm::join(*places, ", ") + (isa<ScatterOp>(op) ? "] = " : "] += ") + *update + "\n";
  names.giveBack(letters);
  names.setExactly(op->getResult(0), name);
  return success();
}

/// name = concat[axis = 1](a, b). The parts have names.
LogicalResult SourceWriter::writeConcat(ConcatOp op, const std::string &name) {
  SmallVector<std::string> parts;
  for (Value part : op.getParts()) {
    parts.push_back(names.get(part));
    if (parts.back().empty())
      return op.emitError("G0853: a part without a name cannot be written as source");
  }
  body += "  " + name + " = concat[axis = " + std::to_string(op.getAxis()) + "](" + llvm::join(parts, ", ") + ")\n";
  names.setExactly(op.getResult(), name);
  return success();
}

/// v[k, i] = .. v[k - 1, i] .., v[-1, i] = init[i].
LogicalResult SourceWriter::writeScan(ScanOp op) {
  constexpr size_t longest = 4096;
  auto type = cast<ArrayType>(op->getResultTypes().front());
  Attribute size = type.getShape().front();
  if (op.getInit().size() != 1 || (op.getReverse() && isFormula(size)))
    return op.emitError("G0853: a recurrence of this form cannot be written as source");
  for (Value x : op.getXs())
    if (names.get(x).empty() && failed(writeStatement(x, names.fresh("v"))))
      return failure();
  std::string name = names.fresh("v");
  SmallVector<std::string> indices = names.takeIndices(type.getRank());
  ArrayRef<std::string> rest = ArrayRef(indices).drop_front();
  Block &block = op.getBody().front();
  expressions.clearRanges();
  if (!block.getArgument(0).use_empty())
    names.setExactly(block.getArgument(0), indices[0]);
  for (auto [argument, x] : llvm::zip(block.getArguments().drop_front(), op.getXs())) {
    names.setExactly(argument, names.get(x));
    expressions.setPlace(argument, indices[0]);
  }
  names.setExactly(block.getArguments().back(), name);
  expressions.setPlace(block.getArguments().back(), indices[0] + (op.getReverse() ? " + 1" : " - 1"));
  FailureOr<std::string> text = expressions.write(block.getTerminator()->getOperand(0), rest), init = expressions.write(op.getInit().front(), rest);
  if (failed(text) || failed(init))
    return failure();
  if (text->size() > longest)
    return op.emitError("G0853: a recurrence of so many operations cannot be written as source");
  std::string edge = op.getReverse() ? ExpressionWriter::writeShape(size) : "-1";
  SmallVector<std::string> beyond{edge};
  llvm::append_range(beyond, rest);
  body += "  " + name + "[" + llvm::join(indices, ", ") + "] = " + *text + ", " + name + "[" + llvm::join(beyond, ", ") + "] = " + *init + "\n";
  names.giveBack(indices);
  names.setExactly(op.getYs().front(), name);
  return success();
}

/// values, order = sort[axis = 1](x), of an x that has a name. Over all elements there is no such word.
LogicalResult SourceWriter::writeSort(SortOp op) {
  auto axis = static_cast<int64_t>(op.getAxis());
  if (axis < 0)
    return op.emitError("G0853: a sort of all elements of an array of several axes cannot be written as source");
  if (names.get(op.getX()).empty() && failed(writeStatement(op.getX(), names.fresh("v"))))
    return failure();
  std::string values = names.fresh("v"), order = names.fresh("order");
  body += "  " + values + ", " + order + " = sort[axis = " + std::to_string(axis) + (op.getDescending() ? ", descending](" : "](") + names.get(op.getX()) + ")\n";
  names.setExactly(op.getValues(), values);
  names.setExactly(op.getOrder(), order);
  return success();
}

/// y = fft[axis = 1](complex(a, b)), and its two parts.
LogicalResult SourceWriter::writeFft(FftOp op) {
  SmallVector<std::string> parts;
  for (Value operand : op->getOperands()) {
    if (names.get(operand).empty() && failed(writeStatement(operand, names.fresh("v"))))
      return failure();
    parts.push_back(names.get(operand));
  }
  std::string whole = names.fresh("z");
  body += "  " + whole + " = " + (op.getInverse() ? "ifft" : "fft") + "[axis = " + std::to_string(op.getAxis()) + "](complex(" + parts[0] + ", " + parts[1] + "))\n";
  for (auto [result, word] : {std::pair(op.getYre(), "real"), std::pair(op.getYim(), "imag")}) {
    if (result.use_empty())
      continue;
    std::string name = names.fresh("v");
    body += "  " + name + " = " + word + "(" + whole + ")\n";
    names.setExactly(result, name);
  }
  return success();
}

/// L, ok = cholesky(A), of operands that have names.
LogicalResult SourceWriter::writeFactorization(Operation *op) {
  std::string word = op->getName().stripDialect().str();
  if (auto solve = dyn_cast<SolveOp>(op)) {
    SmallVector<std::string> slot;
    if (solve.getKind() != MatrixKind::General)
      slot.push_back(stringifyMatrixKind(solve.getKind()).str());
    if (solve.getTransposed())
      slot.push_back("transposed");
    if (!slot.empty())
      word += "[" + llvm::join(slot, ", ") + "]";
  }
  SmallVector<std::string> operands, results;
  for (Value operand : op->getOperands()) {
    if (names.get(operand).empty() && failed(writeStatement(operand, names.fresh("v"))))
      return failure();
    operands.push_back(names.get(operand));
  }
  for (Value result : op->getResults())
    results.push_back(names.fresh(arrayType(result).isBool() ? "ok" : arrayType(result).getRank() ? "v" : "s"));
  body += "  " + llvm::join(results, ", ") + " = " + word + "(" + llvm::join(operands, ", ") + ")\n";
  for (auto [result, name] : llvm::zip_equal(op->getResults(), results))
    names.setExactly(result, name);
  return success();
}

LogicalResult SourceWriter::writeStatements() {
  for (Operation &op : func.getBody().front().without_terminator()) {
    if (auto sort = dyn_cast<SortOp>(op)) {
      if (failed(writeSort(sort)))
        return failure();
      continue;
    }
    if (auto scan = dyn_cast<ScanOp>(op)) {
      if (failed(writeScan(scan)))
        return failure();
      continue;
    }
    if (auto fft = dyn_cast<FftOp>(op)) {
      if (failed(writeFft(fft)))
        return failure();
      continue;
    }
    if (isa<CholeskyOp, EighOp, LogDetOp, QrOp, SolveOp, SvdOp>(op)) {
      if (failed(writeFactorization(&op)))
        return failure();
      continue;
    }
    if (op.getNumResults() != 1 || op.getNumRegions() != 0)
      return op.emitError("G0853: '") << op.getName() << "' cannot be written as source";
    Value value = op.getResult(0);
    if (value.use_empty())
      continue;
    std::string inlined;
    if (!isa<ConcatOp, ConstantOp, ScatterAddOp, ScatterOp>(op)) {
      SmallVector<std::string> indices = names.takeIndices(arrayType(value).getRank());
      FailureOr<std::string> text = expressions.write(value, indices, /*isRoot=*/true);
      names.giveBack(indices);
      if (failed(text))
        return failure();
      inlined = *text;
    }
    if (!needsStatement(value, inlined))
      continue;
    auto asked = wanted.find(value);
    std::string name = names.fresh(asked != wanted.end() ? asked->second : arrayType(value).getRank() ? "v" : "s");
    auto concat = dyn_cast<ConcatOp>(op);
    bool isScatter = isa<ScatterAddOp, ScatterOp>(op);
    if (failed(concat ? writeConcat(concat, name) : isScatter ? writeScatter(&op, name) : writeStatement(value, name)))
      return failure();
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Header
//===----------------------------------------------------------------------===//

/// The element type that the source calls real: that of the first floating array among the arguments.
Type SourceWriter::realElement() {
  for (Type type : func.getArgumentTypes())
    if (auto array = cast<ArrayType>(type); array.isFloat() && !array.isScalar())
      return array.getElementType();
  return Float64Type::get(func.getContext());
}

/// `W: [d, c]`, `label: [n] int`, `delta = 1.0 in (0, 10]`.
std::string SourceWriter::describeArgument(unsigned index) {
  auto type = cast<ArrayType>(func.getArgumentTypes()[index]);
  std::string text = names.get(func.getArgument(index));
  bool isHyper = func.getArgRole(index) == Role::Hyper;
  if (!isHyper || !type.isScalar())
    text += ": [" + ExpressionWriter::writeShape(type.getShape()) + "]";
  std::string storage;
  if (type.isBool())
    storage = "bool";
  else if (type.isInt())
    storage = "int";
  else if (!type.isScalar() && type.getElementType() != realElement())
    llvm::raw_string_ostream(storage) << type.getElementType();
  if (!storage.empty())
    text += (isHyper && type.isScalar() ? ": " : " ") + storage;
  if (auto value = func.getArgAttr(index, "gradus.default"))
    text += " = " + ExpressionWriter::writeAttribute(value);
  if (auto interval = func.getArgAttrOfType<IntervalAttr>(index, "gradus.interval"))
    text += std::string(" in ") + (interval.getLowClosed() ? "[" : "(") + ExpressionWriter::writeNumber(interval.getLowValue()) + ", " +
            ExpressionWriter::writeNumber(interval.getHighValue()) + (interval.getHighClosed() ? "]" : ")");
  return text;
}

FailureOr<std::string> SourceWriter::run() {
  nameArguments();
  nameResults();
  std::string name = identifierOf(func.getSymName());
  std::string text = "fn " + name + "(";
  for (unsigned i = 0, n = func.getNumArguments(); i < n; ++i)
    text += (i ? ", " : "") + describeArgument(i);
  if (failed(writeStatements()))
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
  return text + ") {\n" + body + "  return " + llvm::join(results, ", ") + "\n}\n";
}

FailureOr<std::string> printAsSource(FuncOp func) { return SourceWriter(func).run(); }

} // namespace gradus
