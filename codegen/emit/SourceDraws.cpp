//===- SourceDraws.cpp - Draws as Gradus source ----------------------------------===//
//
// The numbers of a draw belong to its site and to the passes of the loops around. So a function of the name of the unit that draws stands
// before the one that is printed and is called where loops and passes are those of the draw. Where they are not, as in a loop that runs
// back or under a condition, all that is drawn there is written down before.
//
//===----------------------------------------------------------------------===//

#include "codegen/emit/SourceWriter.h"

#include "dialect/DimExpr.h"
#include "passes/fuse/Count.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;

namespace gradus {

//===----------------------------------------------------------------------===//
// The functions that draw
//===----------------------------------------------------------------------===//

void SourceWriter::collectDraws() {
  func.walk([&](DrawOp op) {
    std::vector<DrawOp> &own = draws[op.getSite().split('.').first.str()];
    if (llvm::none_of(own, [&](DrawOp other) { return other.getSite() == op.getSite(); }))
      own.push_back(op);
  });
  for (const auto &[unit, own] : draws)
    names.reserve(unit);
}

namespace {
/// Writes the functions of one unit, those inside of it as its sites have them.
struct UnitOfDraws {
  ArrayRef<DrawOp> draws;
  llvm::StringSet<> taken;
  SmallVector<std::string> parameters, shapes; ///< the arguments of each draw; no parameter where it has none

  explicit UnitOfDraws(ArrayRef<DrawOp> draws) : draws(draws) {
    SmallVector<StringRef> words;
    for (DrawOp op : draws)
      op.getSite().split(words, '.');
    for (StringRef word : words)
      taken.insert(word);
    for (DrawOp op : draws) {
      parameters.push_back(op.getParameters().empty() ? "" : fresh("p"));
      shapes.push_back(fresh("x"));
    }
  }

  std::string fresh(StringRef base) {
    std::string name = base.str();
    for (unsigned number = 2; !taken.insert(name).second; ++number)
      name = base.str() + std::to_string(number);
    return name;
  }
  std::string list() {
    SmallVector<std::string> all;
    for (auto [known, parameter, shape] : llvm::zip_equal(draws, parameters, shapes)) {
      DrawOp op = known;
      if (!parameter.empty())
        all.push_back(parameter);
      all.push_back(shape + (op.getDistribution() == DrawKind::Permutation ? ": [" + sizeOf(shape) + "]" : ""));
    }
    return llvm::join(all, ", ");
  }
  static std::string sizeOf(const std::string &shape) { return "n_" + shape; }

  /// The body of the function at `path`: what is drawn there, functions inside, what is returned; in `order` the draws that it returns.
  std::string writeBody(StringRef path, const std::string &indent, SmallVectorImpl<unsigned> &order) {
    std::string text;
    SmallVector<std::string> returned;
    llvm::SetVector<StringRef> inner;
    for (auto [index, known] : llvm::enumerate(draws)) {
      DrawOp op = known;
      StringRef rest = op.getSite();
      if (!rest.consume_front((path + ".").str()))
        continue;
      if (rest.contains('.')) {
        inner.insert(rest.split('.').first);
        continue;
      }
      std::string parameter = parameters[index].empty() ? "" : parameters[index] + ", ";
      bool isOrder = op.getDistribution() == DrawKind::Permutation;
      text += indent + "draw " + rest.str() + " = " + stringifyDrawKind(op.getDistribution()).str() + "(" + (isOrder ? sizeOf(shapes[index]) : parameter + "like " + shapes[index]) + ")\n";
      returned.push_back(rest.str());
      order.push_back(index);
    }
    for (StringRef name : inner) {
      SmallVector<unsigned> own;
      text += indent + "fn " + name.str() + "() {\n" + writeBody((path + "." + name).str(), indent + "  ", own) + indent + "}\n";
      SmallVector<std::string> results;
      for (size_t i = 0; own.size() > 1 && i < own.size(); ++i)
        results.push_back(fresh("y"));
      if (own.size() > 1)
        text += indent + llvm::join(results, ", ") + " = " + name.str() + "()\n";
      else
        results.push_back(name.str() + "()");
      llvm::append_range(returned, results);
      llvm::append_range(order, own);
    }
    return text + indent + "return " + llvm::join(returned, ", ") + "\n";
  }
};
} // namespace

/// The functions that draw, in front of the one that is printed.
std::string SourceWriter::writeDrawing() {
  std::string text;
  for (const auto &[unit, own] : draws) {
    UnitOfDraws functions(own);
    SmallVector<unsigned> order;
    SmallVector<std::string> drawn;
    for (DrawOp op : own)
      drawn.push_back("`" + nameOfSite(op).str() + "`");
    text += "/// Draws what `" + unit + "` draws as " + llvm::join(drawn, ", ") + ".\nfn " + unit + "(" + functions.list() + ") {\n" +
            functions.writeBody(unit, "  ", order) + "}\n\n";
  }
  return text;
}

//===----------------------------------------------------------------------===//
// Calls
//===----------------------------------------------------------------------===//

LogicalResult SourceWriter::checkDraw(DrawOp op) {
  auto time = dyn_cast<BlockArgument>(op.getTime());
  bool isNow = time && time.getOwner() == &func.getBody().front() && func.getArgRole(time.getArgNumber()) == Role::Time;
  auto [unit, rest] = op.getSite().split('.');
  if (isNow && !rest.empty() && op.getDistribution() != DrawKind::Bits && !llvm::is_contained({"all", "next", "test"}, unit) && !op->hasAttr("each"))
    return success();
  return op.emitError("G0853: a draw of another step, of a rule or of other data cannot be written as source");
}

/// Whether an op can be written inside of an expression at any place.
static bool isExpression(Operation *op) {
  return op->getNumRegions() == 0 &&
         (op->hasTrait<Pointwise>() || isa<BroadcastOp, CastOp, ConstantOp, ContractOp, DimOp, GatherOp, IntPowOp, IotaOp, LogSumExpOp, NormOp, ReduceOp>(op));
}

/// What stands for the arguments of a draw that a call is not about.
static std::string fillArguments(DrawOp op) {
  switch (op.getDistribution()) {
  case DrawKind::Bernoulli: return "0.5, 0.0";
  case DrawKind::Categorical: return "[1.0], 0.0";
  case DrawKind::Gamma: return "1.0, 0.0";
  case DrawKind::Index: return "1, 0.0";
  case DrawKind::Permutation: return "[0.0]";
  default: return "0.0";
  }
}

FailureOr<std::string> SourceWriter::writeDrawArguments(DrawOp op) {
  std::string text;
  for (Value parameter : op.getParameters()) {
    FailureOr<std::string> own = arrayType(parameter).isScalar() ? expressions.write(parameter, {}) : nameOf(parameter);
    if (failed(own))
      return failure();
    text += *own + ", ";
  }
  auto type = arrayType(op.getY());
  return text + (type.isScalar() ? "0.0" : frameOf(type.getShape()));
}

/// u, v = unit(shape, p, shape) for draws of one unit, which take these names.
LogicalResult SourceWriter::callDrawing(ArrayRef<DrawOp> wanted) {
  DrawOp first = wanted.front();
  std::string unit = first.getSite().split('.').first.str();
  ArrayRef<DrawOp> own = draws[unit];
  SmallVector<std::string> arguments, results(own.size());
  SmallVector<unsigned> order;
  for (auto [index, any] : llvm::enumerate(own)) {
    DrawOp known = any;
    auto op = llvm::find_if(wanted, [&](DrawOp one) { return one.getSite() == known.getSite(); });
    bool isWanted = op != wanted.end();
    FailureOr<std::string> text = isWanted ? writeDrawArguments(*op) : FailureOr<std::string>(fillArguments(known));
    if (failed(text))
      return failure();
    std::string name = nameOfSite(known).str();
    results[index] = names.fresh(!isWanted ? "unused" : ExpressionWriter::isWord(name) ? name + "_" : name);
    arguments.push_back(*text);
    if (isWanted)
      names.setExactly((*op)->getResult(0), results[index]);
  }
  (void)UnitOfDraws(own).writeBody(unit, "", order);
  SmallVector<std::string> ordered;
  for (unsigned index : order)
    ordered.push_back(results[index]);
  write(llvm::join(ordered, ", ") + " = " + unit + "(" + llvm::join(arguments, ", ") + ")");
  return success();
}

/// Whether `value` stands before `op`, or is an expression of what does.
static bool isThereAt(Value value, Operation *op) {
  Operation *source = value.getDefiningOp();
  if (!source || source->getBlock() != op->getBlock() || source->isBeforeInBlock(op))
    return true;
  return isExpression(source) && llvm::all_of(source->getOperands(), [&](Value operand) { return isThereAt(operand, op); });
}

LogicalResult SourceWriter::writeDraw(DrawOp op) {
  if (drawnBefore.contains(op))
    return placeDrawn(op);
  if (!names.get(op.getY()).empty()) // with another draw of its unit
    return success();
  if (failed(checkDraw(op)))
    return failure();
  if (numAdded != 0 || !llvm::equal(op.getKeys(), passes))
    return op.emitError("G0853: a draw whose parameters are made by passes that a loop runs back cannot be written as source");
  SmallVector<DrawOp> together{op};
  for (DrawOp other : op->getBlock()->getOps<DrawOp>()) {
    bool isAlike = other.getSite().split('.').first == op.getSite().split('.').first && other.getTime() == op.getTime() && other.getKeys() == op.getKeys();
    bool isNew = names.get(other.getY()).empty() && !other.use_empty() &&
                 llvm::none_of(together, [&](DrawOp one) { return one.getSite() == other.getSite(); });
    if (isAlike && isNew && llvm::all_of(other.getParameters(), [&](Value parameter) { return isThereAt(parameter, op); }))
      together.push_back(other);
  }
  return callDrawing(together);
}

//===----------------------------------------------------------------------===//
// What is drawn before
//===----------------------------------------------------------------------===//

/// Whether the loops around, which are printed as loops, have the passes that the keys of a draw are.
static bool hasOwnPasses(DrawOp op) {
  SmallVector<Value> around;
  for (Operation *inner = op, *outer; !isa<FuncOp>(outer = inner->getParentOp()); inner = outer) {
    auto loop = dyn_cast<LoopOp>(outer);
    if (!loop || inner->getParentRegion() != &loop.getBody())
      return false;
    around.push_back(inner->getBlock()->getArgument(0));
  }
  return llvm::equal(op.getKeys(), llvm::reverse(around));
}

/// The loop whose passes a key counts, from either end.
static LoopOp findLoop(Value key) {
  if (auto back = key.getDefiningOp<SubOp>()) {
    LoopOp loop = findLoop(back.getB());
    return loop && !loop->isAncestor(back.getA().getParentBlock()->getParentOp()) ? loop : LoopOp();
  }
  auto pass = dyn_cast<BlockArgument>(key);
  return pass && pass.getArgNumber() == 0 ? dyn_cast<LoopOp>(pass.getOwner()->getParentOp()) : LoopOp();
}

/// How many passes each key counts that does not belong to a loop around `region`; nothing where it cannot be said there.
static std::optional<SmallVector<DimExpr>> boundKeys(DrawOp draw, ArrayRef<Value> around, Operation *region) {
  ValueRange keys = draw.getKeys();
  SmallVector<DimExpr> bounds;
  if (keys.size() < around.size() || !llvm::equal(keys.take_front(around.size()), around))
    return std::nullopt;
  for (Value key : keys.drop_front(around.size())) {
    LoopOp loop = findLoop(key);
    DimExpr bound = loop && region->isAncestor(loop) ? boundPasses(loop.getCount()) : DimExpr();
    if (!loop || !region->isAncestor(loop) || !bound.isValid() || bound.getSymbols().count("passes"))
      return std::nullopt;
    bounds.push_back(bound);
  }
  return bounds;
}

/// Whether `value` can be written before `region` by what stands there and by `keys`.
static bool isWritableBefore(Value value, Operation *region, ValueRange keys) {
  if (llvm::is_contained(keys, value))
    return true;
  Operation *op = value.getDefiningOp();
  Operation *home = op ? op : value.getParentBlock()->getParentOp();
  if (!region->isAncestor(home))
    return true;
  return op && isExpression(op) && llvm::all_of(op->getOperands(), [&](Value operand) { return isWritableBefore(operand, region, keys); });
}

/// Writes down all that `draw` draws in `region`, in loops over the keys that are not those of the loops around: drawn[pass, pass2, i].
LogicalResult SourceWriter::writeDrawn(DrawOp draw, ArrayRef<DimExpr> bounds, const std::string &into, SmallVectorImpl<std::string> &indices) {
  ValueRange keys = draw.getKeys().take_back(bounds.size());
  unsigned level = indices.size();
  if (level == bounds.size())
    return callDrawing(draw);
  ArrayType type = arrayType(draw.getY());
  std::string start = into;
  if (into.empty()) {
    SmallVector<Attribute> shape;
    for (const DimExpr &bound : bounds)
      shape.push_back(bound.toAttr(func.getContext()));
    llvm::append_range(shape, type.getShape());
    start = startOf(type.withShape(shape));
  }
  std::string all = names.fresh("drawn"), pass = names.fresh("pass");
  indices.push_back(pass);
  names.setExactly(keys[level], pass);
  write("loop " + pass + " in 0.." + ExpressionWriter::writeSize(bounds[level].toAttr(func.getContext())) + " with " + all + " = " + start + " {");
  LogicalResult isWritten = writeInside([&]() -> LogicalResult {
    if (failed(writeDrawn(draw, bounds, all, indices)))
      return failure();
    std::string one = names.get(draw.getY());
    if (level + 1 < bounds.size()) {
      write(all + "' = " + one);
      return success();
    }
    SmallVector<std::string> own = names.takeIndices(type.getRank()), places(indices.begin(), indices.end());
    llvm::append_range(places, own);
    write(all + "'[" + llvm::join(places, ", ") + "] = " + one + (own.empty() ? "" : "[" + llvm::join(own, ", ") + "]"));
    names.giveBack(own);
    return success();
  });
  write("}");
  names.setExactly(draw.getY(), all);
  names.setExactly(keys[level], "");
  return isWritten;
}

/// Before a loop or condition: the draws inside of it whose keys are not the passes that the text has where they stand.
LogicalResult SourceWriter::writeDrawnBefore(Operation *region) {
  if (numAdded != 0)
    return success();
  std::vector<DrawnBefore> here, &written = passes.empty() ? drawnForAll : here; // an array that is written inside of a loop is known there
  SmallVector<DrawOp> found;
  region->walk([&](DrawOp draw) {
    if (!draw.use_empty() && names.get(draw.getY()).empty() && !hasOwnPasses(draw))
      found.push_back(draw);
  });
  for (DrawOp draw : found) {
    std::optional<SmallVector<DimExpr>> bounds = boundKeys(draw, passes, region);
    ValueRange keys = draw.getKeys().drop_front(std::min(passes.size(), draw.getKeys().size()));
    if (!bounds || !llvm::all_of(draw.getParameters(), [&](Value parameter) { return isWritableBefore(parameter, region, keys); }))
      continue;
    if (failed(checkDraw(draw)))
      return failure();
    auto same = llvm::find_if(written, [&](DrawnBefore &other) {
      bool hasSameSizes = llvm::equal(other.bounds, *bounds, [](const DimExpr &a, const DimExpr &b) { return a.print() == b.print(); });
      return other.draw.getSite() == draw.getSite() && other.draw.getY().getType() == draw.getY().getType() && hasSameSizes && draw.getParameters().empty();
    });
    unsigned numKeys = bounds->size();
    SmallVector<std::string> indices;
    if (same != written.end())
      names.setExactly(draw.getY(), names.get(same->draw.getY()));
    else if (failed(writeDrawn(draw, *bounds, "", indices)))
      return failure();
    else
      written.push_back({draw, std::move(*bounds)});
    drawnBefore[draw] = numKeys;
  }
  return success();
}

/// Where `draw` stands in what was written down before.
LogicalResult SourceWriter::placeDrawn(DrawOp op) {
  unsigned count = drawnBefore.lookup(op);
  SmallVector<std::string> places;
  for (Value key : op.getKeys().take_back(count)) {
    FailureOr<std::string> place = expressions.write(key, {});
    if (failed(place))
      return failure();
    places.push_back(*place);
  }
  if (!places.empty())
    expressions.setPlace(op.getY(), llvm::join(places, ", "));
  return success();
}

} // namespace gradus
