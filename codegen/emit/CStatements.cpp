//===- CStatements.cpp - What is stored, and the ops that are statements of C ----===//

#include "codegen/emit/CWriter.h"

#include "llvm/ADT/StringExtras.h"

using namespace mlir;

namespace gradus {

//===----------------------------------------------------------------------===//
// What is stored
//===----------------------------------------------------------------------===//

unsigned CWriter::countUses(Value value) {
  if (auto known = uses.find(value); known != uses.end())
    return known->second;
  unsigned count = 0;
  for (Operation *user : value.getUsers())
    if (auto compare = dyn_cast<CompareOp>(user); !compare || compare.getPredicate() != ComparePredicate::Ne || !isPartOfMask(user))
      count += ExpressionWriter::isTransparent(user) ? countUses(user->getResult(0)) : 1;
  return uses[value] = count;
}

/// Whether an element costs no more than reading one or two: it may be computed again.
bool CWriter::isCheap(Value value) {
  Operation *op = value.getDefiningOp();
  if (!op || !names.get(value).empty() || isa<ConstantOp, DimOp, IotaOp>(op))
    return true;
  bool isLight = ExpressionWriter::isTransparent(op) || isa<AddOp, AndOp, CompareOp, MulOp, NegOp, NotOp, OrOp, SelectOp, StopOp, SubOp>(op);
  return isLight && inlineSize(value) <= 4 && llvm::all_of(op->getOperands(), [&](Value operand) { return isCheap(operand); });
}

/// How many operators an element is written with.
unsigned CWriter::inlineSize(Value value) {
  Operation *op = value.getDefiningOp();
  if (!op || !names.get(value).empty() || isa<ConstantOp, DimOp, IotaOp>(op))
    return 0;
  unsigned size = ExpressionWriter::isTransparent(op) || isa<StopOp>(op) ? 0 : 1;
  for (Value operand : op->getOperands())
    size += inlineSize(operand);
  return size;
}

/// Whether an element is asked for more often than there are elements: along a new axis, in a product of arrays, or at places.
bool CWriter::isRepeated(Value value) {
  return llvm::any_of(value.getUsers(), [&](Operation *user) {
    if (user->getBlock() != value.getParentBlock() || isa<ContractOp, DrawOp, LogSumExpOp>(user))
      return true;
    if (auto gather = dyn_cast<GatherOp>(user))
      return gather.getX() == value;
    if (auto wide = dyn_cast<BroadcastOp>(user); wide && wide.getType() != arrayType(value))
      return true;
    return ExpressionWriter::isTransparent(user) && isRepeated(user->getResult(0));
  });
}

bool CWriter::mustBeStored(Value value) {
  constexpr unsigned longestInlined = 12;
  Operation *op = value.getDefiningOp();
  if (results.contains(value) || isa<ConcatOp, CumulateOp, ScatterAddOp, ScatterOp>(op))
    return true;
  if (auto constant = dyn_cast<ConstantOp>(op))
    return !cast<DenseElementsAttr>(constant.getValue()).isSplat();
  if (llvm::any_of(value.getUsers(), llvm::IsaPred<ReshapeOp>))
    return true;
  if (ExpressionWriter::isTransparent(op) || isa<DimOp, IotaOp>(op) || isPartOfMask(op) || isCheap(value))
    return false;
  return countUses(value) > 1 || isRepeated(value) || inlineSize(value) > longestInlined;
}

std::string CWriter::scratch(ArrayType type, StringRef name) {
  buffers.push_back({names.fresh(name), type});
  return buffers.back().name;
}

std::string CWriter::place(Value value) {
  ArrayType type = arrayType(value);
  std::string name = nameDrawn(value);
  if (type.isScalar())
    return names.fresh(name.empty() ? "s" : name);
  if (auto output = results.find(value); output != results.end())
    return output->second;
  return scratch(type, name.empty() ? "v" : name);
}

LogicalResult CWriter::assign(const std::string &target, Value value) {
  ArrayRef<Attribute> shape = arrayType(value).getShape();
  SmallVector<std::string> indices = names.takeIndices(shape.size());
  size_t begin = body.size();
  openLoops(indices, shape);
  size_t inside = body.size();
  Result text = element(value, indices, /*isRoot=*/names.get(value).empty());
  if (failed(text))
    return failure();
  write(at(target, indices, shape) + " = " + text->text + ";");
  size_t end = body.size();
  closeLoops(shape.size());
  names.giveBack(indices);
  if (!shape.empty())
    joinLoops(begin, inside, end, target, "[" + flatten(indices, shape) + "]");
  return success();
}

/// Whether `text` reads or writes the array `name` at other places than `place`.
static bool isElsewhere(StringRef text, StringRef name, StringRef place) {
  for (size_t at = findWord(text, name); at != StringRef::npos; at = findWord(text, name, at + 1))
    if (!text.substr(at + name.size()).starts_with(place))
      return true;
  return false;
}

void CWriter::joinLoops(size_t begin, size_t inside, size_t end, const std::string &target, const std::string &place) {
  std::string head = body.substr(begin, inside - begin), own = body.substr(inside, end - inside), tail = body.substr(end);
  std::string between = lastLoops.end <= begin ? body.substr(lastLoops.end, begin - lastLoops.end) : "\n";
  StringRef said = StringRef(between).trim();
  bool isNext = between.empty() || (said.starts_with("/*") && said.ends_with("*/") && !said.contains('\n'));
  bool isJoined = isNext && lastLoops.head == head && lastLoops.place == place && !isElsewhere(lastLoops.inner, target, "\n") &&
                  llvm::none_of(lastLoops.targets, [&](const std::string &made) { return isElsewhere(own, made, place); });
  if (!isJoined) {
    lastLoops = {head, own, place, {target}, body.size() - tail.size(), body.size()};
    return;
  }
  std::string inner = said.empty() ? "" : std::string(own.size() - StringRef(own).ltrim(' ').size(), ' ') + said.str() + "\n";
  inner += own;
  body.resize(lastLoops.inside);
  body += inner + tail;
  lastLoops.inner += inner;
  lastLoops.targets.push_back(target);
  lastLoops.inside += inner.size();
  lastLoops.end = body.size();
}

LogicalResult CWriter::store(Value value) {
  std::string target = place(value);
  ArrayType type = arrayType(value);
  if (auto constant = value.getDefiningOp<ConstantOp>(); constant && !type.isScalar()) {
    SmallVector<std::string> numbers;
    for (Attribute number : cast<DenseElementsAttr>(constant.getValue()).getValues<Attribute>())
      numbers.push_back(writeNumber(number));
    if (!results.contains(value)) {
      buffers.pop_back();
      write("static const " + (type.isFloat() ? std::string("double ") : "int64_t ") + target + "[] = {" + llvm::join(numbers, ", ") + "};");
    }
    for (size_t i = 0; results.contains(value) && i < numbers.size(); ++i)
      write(target + "[" + std::to_string(i) + "] = " + numbers[i] + ";");
    names.setExactly(value, target);
    return success();
  }
  if (!type.isScalar()) {
    if (failed(assign(target, value)))
      return failure();
  } else {
    Result text = element(value, {}, /*isRoot=*/true);
    if (failed(text))
      return failure();
    write("const " + typeOf(type).str() + " " + target + " = " + text->text + ";");
  }
  names.setExactly(value, target);
  return success();
}

FailureOr<std::string> CWriter::nameOf(Value value) {
  if (leading.contains(value)) { // a row of the array of its name
    std::string row = arrayType(value).isScalar() ? names.fresh("s") : scratch(arrayType(value), "row");
    if (arrayType(value).isScalar())
      write(typeOf(arrayType(value)).str() + " " + row + ";");
    return failed(assign(row, value)) ? FailureOr<std::string>(failure()) : FailureOr<std::string>(row);
  }
  if (names.get(value).empty() && failed(store(value)))
    return failure();
  return names.get(value);
}

/// As `nameOf`, of an array that the caller may keep in another type: there it is a copy.
FailureOr<std::string> CWriter::nameAsDoubles(Value value) {
  FailureOr<std::string> name = nameOf(value);
  if (failed(name) || (arrayType(value).isFloat() && !kept.count(*name)))
    return name;
  std::string copied = scratch(arrayType(value).withElement(Float64Type::get(value.getContext())), "copy");
  return failed(assign(copied, value)) ? FailureOr<std::string>(failure()) : FailureOr<std::string>(copied);
}

//===----------------------------------------------------------------------===//
// Moving and adding up
//===----------------------------------------------------------------------===//

LogicalResult CWriter::writeConcat(ConcatOp op) {
  std::string target = place(op.getY()), begin = "0";
  ArrayRef<Attribute> whole = op.getType().getShape();
  for (Value part : op.getParts()) {
    ArrayRef<Attribute> shape = arrayType(part).getShape();
    SmallVector<std::string> indices = names.takeIndices(shape.size());
    openLoops(indices, shape);
    Result text = element(part, indices);
    if (failed(text))
      return failure();
    SmallVector<std::string> places(indices);
    if (begin != "0")
      places[op.getAxis()] = op.getAxis() == 0 && shape.size() > 1 ? "(" + begin + " + " + indices[op.getAxis()] + ")" : begin + " + " + indices[op.getAxis()];
    write(at(target, places, whole) + " = " + text->text + ";");
    closeLoops(shape.size());
    names.giveBack(indices);
    std::string size = sizeOf(shape[op.getAxis()]);
    begin = begin == "0" ? size : begin + " + " + size;
  }
  names.setExactly(op.getY(), target);
  return success();
}

LogicalResult CWriter::writeCumulate(CumulateOp op) {
  ArrayType type = op.getType();
  std::string target = place(op.getY()), total = names.fresh("total"), element_ = typeOf(type).str();
  SmallVector<std::string> indices = names.takeIndices(type.getRank()), others(indices);
  SmallVector<Attribute> shape(type.getShape());
  int64_t axis = op.getAxis();
  std::string index = indices[axis], size = sizeOf(shape[axis]);
  others.erase(others.begin() + axis);
  shape.erase(shape.begin() + axis);
  openLoops(others, shape);
  bool isReal = type.isFloat();
  StringRef start, word;
  switch (op.getKind()) {
  case ReductionKind::Prod: start = "1"; break;
  case ReductionKind::Max: start = isReal ? "-INFINITY" : "INT64_MIN", word = isReal ? "larger" : "size_max"; break;
  case ReductionKind::Min: start = isReal ? "INFINITY" : "INT64_MAX", word = isReal ? "smaller" : "size_min"; break;
  default: start = "0"; break;
  }
  write(element_ + " " + total + " = " + start.str() + ";");
  open("for (int64_t " + index + (op.getReverse() ? " = " + size + " - 1; " + index + " >= 0; --" : " = 0; " + index + " < " + size + "; ++") + index + ")");
  Result x = element(op.getX(), indices);
  if (failed(x))
    return failure();
  if (!word.empty())
    write(total + " = " + helper(word) + "(" + total + ", " + x->text + ");");
  else
    write(total + (op.getKind() == ReductionKind::Prod ? " *= " : " += ") + x->text + ";");
  write(at(target, indices, type.getShape()) + " = " + total + ";");
  closeLoops(1 + others.size());
  names.giveBack(indices);
  names.setExactly(op.getY(), target);
  return success();
}

/// target[places] += u, in the order of the updates.
LogicalResult CWriter::writeScatter(Operation *op, const std::string &target) {
  Value written = op->getOperands().back();
  ArrayRef<Attribute> shape = arrayType(written).getShape(), whole = arrayType(op->getResult(0)).getShape();
  SmallVector<std::string> indices = names.takeIndices(shape.size());
  openLoops(indices, shape);
  bool isInside = op->hasAttr("in_bounds");
  auto places = writePlaces(op->getOperands().drop_front().drop_back(), whole, isInside, indices, shape);
  Result update = succeeded(places) ? element(written, indices) : Result(failure());
  if (failed(update))
    return failure();
  write(at(target, *places, whole) + (isa<ScatterOp>(op) ? " = " : " += ") + update->text + ";");
  closeLoops(shape.size());
  names.giveBack(indices);
  return success();
}

//===----------------------------------------------------------------------===//
// Order, transforms
//===----------------------------------------------------------------------===//

/// Loops over the lines along `axis`; gives where each begins and how far its elements are apart.
std::pair<std::string, std::string> CWriter::openLines(ArrayType type, int64_t axis, size_t &depth) {
  SmallVector<std::string> indices, others = names.takeIndices(type.getRank() - 1);
  SmallVector<Attribute> shape(type.getShape());
  std::string step = "1";
  for (Attribute dim : type.getShape().drop_front(axis + 1))
    step = step == "1" ? sizeOf(dim) : step + " * " + sizeOf(dim);
  indices.assign(others.begin(), others.end());
  indices.insert(indices.begin() + axis, "0");
  shape.erase(shape.begin() + axis);
  openLoops(others, shape);
  depth = others.size();
  names.giveBack(others);
  std::string begin = flatten(indices, type.getShape());
  return {begin == "0" ? "" : " + " + begin, step};
}

LogicalResult CWriter::writeSort(SortOp op) {
  ArrayType type = arrayType(op.getX());
  FailureOr<std::string> x = nameOf(op.getX()), keys = succeeded(x) ? nameAsDoubles(op.getX()) : x;
  if (failed(keys))
    return failure();
  auto axis = static_cast<int64_t>(op.getAxis());
  bool isWhole = axis < 0;
  std::string order = place(op.getOrder()), direction = op.getDescending() ? "1" : "0";
  ArrayType ints = arrayType(op.getOrder());
  std::string spare = scratch(isWhole ? ints : ints.withShape(type.getShape()[axis]), "spare");
  size_t depth = 0;
  std::pair<std::string, std::string> line{"", "1"};
  if (!isWhole)
    line = openLines(type, axis, depth);
  std::string size = isWhole ? countOf(type) : sizeOf(type.getShape()[axis]), index = names.fresh("place");
  write(helper("sort_line") + "(" + *keys + line.first + ", " + size + ", " + line.second + ", " + direction + ", " + order + line.first + ", " + spare + ");");
  if (!op.getValues().use_empty()) {
    std::string values = place(op.getValues()), step = line.second == "1" ? "" : " * " + line.second;
    std::string base = line.first.empty() ? "" : line.first.substr(3) + " + ";
    write("for (int64_t " + index + " = 0; " + index + " < " + size + "; ++" + index + ")");
    write("  " + values + "[" + base + index + step + "] = " + *x + "[" + base + order + "[" + base + index + step + "]" + step + "];");
    names.setExactly(op.getValues(), values);
  }
  closeLoops(depth);
  names.setExactly(op.getOrder(), order);
  return success();
}

LogicalResult CWriter::writeFft(FftOp op) {
  FailureOr<std::string> re = nameAsDoubles(op.getRe()), im = succeeded(re) ? nameAsDoubles(op.getIm()) : re;
  if (failed(im))
    return failure();
  std::string toRe = place(op.getYre()), toIm = place(op.getYim());
  size_t depth = 0;
  auto [begin, step] = openLines(arrayType(op.getRe()), op.getAxis(), depth);
  write(helper("transform") + "(" + *re + begin + ", " + *im + begin + ", " + sizeOf(arrayType(op.getRe()).getShape()[op.getAxis()]) + ", " + step + ", " +
        (op.getInverse() ? "1" : "-1") + ", " + toRe + begin + ", " + toIm + begin + ");");
  closeLoops(depth);
  names.setExactly(op.getYre(), toRe);
  names.setExactly(op.getYim(), toIm);
  return success();
}

//===----------------------------------------------------------------------===//
// Blocks
//===----------------------------------------------------------------------===//

LogicalResult CWriter::writeStatement(Operation &op) {
  auto said = [&] { comment(op.getLoc()); };
  if (isa<CholeskyOp, EighOp, LogDetOp, QrOp, SolveOp, SvdOp>(op))
    return said(), writeMatrix(&op);
  if (auto sort = dyn_cast<SortOp>(op))
    return said(), writeSort(sort);
  if (auto fft = dyn_cast<FftOp>(op))
    return said(), writeFft(fft);
  if (auto loop = dyn_cast<LoopOp>(op))
    return said(), writeLoop(loop);
  if (auto scan = dyn_cast<ScanOp>(op))
    return said(), writeScan(scan);
  if (auto choice = dyn_cast<IfOp>(op))
    return said(), writeIf(choice);
  if (auto draw = dyn_cast<DrawOp>(op))
    return said(), writeDraw(draw);
  if (op.getNumResults() != 1 || op.getNumRegions() != 0)
    return op.emitError("G0555: C99 has no word for '") << op.getName() << "'";
  Value value = op.getResult(0);
  if (!mustBeStored(value))
    return success();
  said();
  if (auto concat = dyn_cast<ConcatOp>(op))
    return writeConcat(concat);
  if (auto cumulate = dyn_cast<CumulateOp>(op))
    return writeCumulate(cumulate);
  if (!isa<ScatterAddOp, ScatterOp>(op))
    return store(value);
  std::string target = place(value);
  if (failed(assign(target, op.getOperand(0))) || failed(writeScatter(&op, target)))
    return failure();
  names.setExactly(value, target);
  return success();
}

LogicalResult CWriter::writeBlock(Block &block) {
  for (Operation &op : block.without_terminator())
    if (!op.use_empty() && !isWrittenInPlace(&op) && failed(writeStatement(op)))
      return failure();
  return success();
}

} // namespace gradus
