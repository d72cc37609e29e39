//===- EmitJoint.cpp - Products of the collection as one vector ----------------===//
//
// Over a `joint param` the tensors are one vector of R^d. Products copy nothing: one over d is the sum of the products over the axes of each tensor. A
// stack has one axis more, in front; the sum of its rows with weights is one of each tensor for any param. What needs the elements side by side, as
// a sort or a matrix does, joins the tensors in their order, each in row-major order, and takes apart what comes out.
//
//===----------------------------------------------------------------------===//

#include "lang/Elaborator.h"
#include "lang/InnerProblem.h"
#include "lang/Joint.h"

using namespace gradus;
using namespace gradus::lang;
using llvm::SmallVector;

namespace {
enum class JointForm { Other, Vector, Stack };
}

mlir::Attribute lang::countElements(const Array &x, mlir::MLIRContext *context) {
  DimExpr count = DimExpr::number(0);
  for (size_t k = 0; k < x.lanes.size(); ++k)
    count = count + countOfShape(Algebra::ownShape(x, k));
  return count.toAttr(context);
}

static JointForm formOf(const Array &x, const Array &param) {
  if (!x.isEach || x.lanes.size() != param.lanes.size())
    return JointForm::Other;
  bool isVector = true, isStack = true;
  for (size_t k = 0; k < param.lanes.size(); ++k) {
    llvm::ArrayRef<mlir::Attribute> own = Algebra::ownShape(x, k), model = Algebra::ownShape(param, k);
    isVector &= own == model;
    isStack &= own.size() == model.size() + 1 && own.drop_front() == model && own.front() == Algebra::ownShape(x).front();
  }
  return isVector ? JointForm::Vector : isStack ? JointForm::Stack : JointForm::Other;
}

std::optional<Array> lang::jointProduct(Algebra &algebra, const RuleRun &run, const Array &a, const Array &b, Location at) {
  if (run.params.empty() || !(a.isEach || b.isEach))
    return std::nullopt;
  const Array &param = run.params.front();
  if (isOverOneVector(*run.call->rule))
    return std::nullopt; // a vector and a matrix as they are
  if (!a.axes.empty() || !b.axes.empty())
    return std::nullopt;
  JointForm left = formOf(a, param), right = formOf(b, param);
  bool isWeighted = right == JointForm::Stack && !a.isEach && a.lanes.size() == 1 && a.axes.empty() && Algebra::ownRank(a) == 1;
  if (!isWeighted && (right != JointForm::Vector || left == JointForm::Other || !(a.isJoint || b.isJoint)))
    return std::nullopt;
  if (isWeighted && Algebra::ownShape(a).front() != Algebra::ownShape(b).front()) {
    algebra.error(Code::DimensionConflict, at, "'@' sums over an axis of size " + describe(Algebra::ownShape(a).front()) + " on the left and " + describe(Algebra::ownShape(b).front()) + " on the right");
    return Array();
  }
  // Labels: 0 the axis of the stack, from 1 on those of the tensor.
  Array result;
  for (size_t k = 0; k < param.lanes.size(); ++k) {
    SmallVector<int64_t> own = llvm::to_vector(llvm::seq<int64_t>(1, Algebra::ownShape(param, k).size() + 1)), stacked = own;
    stacked.insert(stacked.begin(), 0);
    Array x{{a.lane(k)}}, y{{b.lane(k)}}, one;
    if (isWeighted)
      one = algebra.contract(x, {0}, y, stacked, own, {}, at);
    else if (left == JointForm::Stack)
      one = algebra.contract(x, stacked, y, own, {0}, {}, at);
    else
      one = algebra.contract(x, own, y, own, {}, {}, at);
    if (one.isPoison())
      return Array();
    if (isWeighted)
      result.lanes.push_back(one.lanes.front());
    else
      result = k == 0 ? one : algebra.add(result, one, at);
  }
  if (isWeighted) {
    result.isEach = b.isEach;
    result.isJoint = b.isJoint;
    return result;
  }
  result.isEach = algebra.isOpen; // of the tensors of other slots too
  result.isJoint = false;
  return algebra.overAll(ReductionKind::Sum, result, at);
}

/// S.T of a stack of vectors of R^d: a map from the numbers of its rows. Nothing where the tensors are vectors themselves, for then it is a matrix.
std::optional<Entity> Elaborator::transposedStack(const Array &x, const std::string &text, Location at) {
  if (!currentRun || currentRun->params.empty() || isOverOneVector(*currentRun->call->rule) || activeLane)
    return std::nullopt;
  const Array &param = currentRun->params.front();
  bool isPlain = param.lanes.size() == 1 && ownRank(param) == 1;
  if (isPlain || !x.axes.empty() || formOf(x, param) != JointForm::Stack)
    return std::nullopt;
  const RuleRun &run = *currentRun;
  auto apply = [this, x, &run](const Array &u, Location at) { return jointProduct(*this, run, u, x, at).value_or(Array()); };
  auto applyTransposed = [this, x, &run](const Array &v, Location at) { return jointProduct(*this, run, x, v, at).value_or(Array()); };
  return makeOperator({text, at, apply, applyTransposed, filled(0, ownShape(x).front(), at), param});
}

//===----------------------------------------------------------------------===//
// The elements side by side
//===----------------------------------------------------------------------===//

/// A value of a joint param that may be several tensors, or one of other rank than 1: what sees a vector sees all of it.
bool Elaborator::isCollection(const Array &x) const {
  return x.isJoint && currentRun && !currentRun->params.empty() && !isOverOneVector(*currentRun->call->rule);
}

/// A stack of such vectors, with its rows in front.
bool Elaborator::isStack(const Array &x) const {
  if (!isCollection(x))
    return false;
  size_t lane = x.lanes.size() == 1 ? activeLane.value_or(0) : 0;
  const Array &param = currentRun->params.front();
  return ownRank(x) == static_cast<int64_t>(ownShape(param, param.lanes.size() == 1 ? 0 : lane).size()) + 1;
}

/// A value for all tensors, though the text at hand goes from one to the other.
Array Elaborator::evalJoint(const ast::Expr &expr, Scope &scope) {
  llvm::SaveAndRestore all(activeLane, std::optional<size_t>());
  return evalArray(expr, scope);
}

/// All tensors as one array: `leading` axes as they are, then the elements of the others.
Array Elaborator::joined(const Array &x, size_t leading, Location at) {
  if (x.isPoison())
    return {};
  if ((numRegions > 0 && isOpen && !isUnbound) || isOneOfMany) {
    error(Code::CollectionInControl, at, "what joins the tensors of the collection inside 'when', 'every' or 'loop' is not built yet").suggest("compute it before the block");
    return {};
  }
  SmallVector<Array> tensors;
  for (auto [k, lane] : llvm::enumerate(x.lanes)) {
    llvm::ArrayRef<mlir::Attribute> own = ownShape(x, k);
    Shape shape(own.take_front(leading));
    shape.push_back(countOfShape(own.drop_front(leading)).toAttr(builder.getContext()));
    tensors.push_back(reshaped(Array{{lane}, false, false, x.axes}, shape, at));
  }
  Array whole = concatAll(tensors, leading, at);
  if (!whole.isPoison() && isOpen && x.isEach) // of the tensors that the application alone knows: no code
    whole.lanes.front() = AllReduceOp::create(builder, place(at), whole.lanes.front().getType(), ReductionKind::Sum, whole.lanes.front());
  return whole;
}

/// The tensors of what was joined, in the shapes of `model` behind `leading` axes; of the tensor at hand alone where there is one.
Array Elaborator::apart(const Array &whole, const Array &model, size_t leading, Location at) {
  if (whole.isPoison())
    return {};
  Array result;
  result.isEach = result.isJoint = true;
  result.axes = whole.axes;
  DimExpr first = DimExpr::number(0);
  for (size_t k = 0; k < model.lanes.size(); ++k) {
    llvm::ArrayRef<mlir::Attribute> own = ownShape(model, k).drop_front(leading);
    DimExpr count = countOfShape(own);
    if (!activeLane || *activeLane == k) {
      Array start{{sizeOf(first.toAttr(builder.getContext()), at)}};
      Array part = model.lanes.size() == 1 ? whole : sliceAlong(whole, leading, start, count.toAttr(builder.getContext()), at);
      Shape shape(ownShape(whole).take_front(leading));
      llvm::append_range(shape, own);
      result.lanes.push_back(reshaped(part, shape, at).lanes.front());
    }
    first = first + count;
  }
  return result;
}
