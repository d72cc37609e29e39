//===- EmitJoint.cpp - Products of the collection as one vector ----------------===//
//
// Over a `joint param` the tensors are one vector of R^d, which is never copied: a product over d is the sum of the products over the axes of each
// tensor. A stack has one axis more, in front; the sum of its rows with weights is one of each tensor for any param.
//
//===----------------------------------------------------------------------===//

#include "lang/Elaborator.h"
#include "lang/Joint.h"

using namespace gradus;
using namespace gradus::lang;
using llvm::SmallVector;

namespace {
enum class Form { Other, Vector, Stack };
}

static Form formOf(const Array &x, const Array &param) {
  if (!x.isEach || x.lanes.size() != param.lanes.size() || !x.axes.empty())
    return Form::Other;
  bool isVector = true, isStack = true;
  for (size_t k = 0; k < param.lanes.size(); ++k) {
    llvm::ArrayRef<mlir::Attribute> own = Algebra::ownShape(x, k), model = Algebra::ownShape(param, k);
    isVector &= own == model;
    isStack &= own.size() == model.size() + 1 && own.drop_front() == model && own.front() == Algebra::ownShape(x).front();
  }
  return isVector ? Form::Vector : isStack ? Form::Stack : Form::Other;
}

std::optional<Array> lang::jointProduct(Algebra &algebra, const RuleRun &run, const Array &a, const Array &b, Location at) {
  if (run.params.empty() || !(a.isEach || b.isEach))
    return std::nullopt;
  const Array &param = run.params.front();
  if (isOverOneVector(*run.call->rule))
    return std::nullopt; // a vector and a matrix as they are
  Form left = formOf(a, param), right = formOf(b, param);
  bool isWeighted = right == Form::Stack && !a.isEach && a.lanes.size() == 1 && a.axes.empty() && Algebra::ownRank(a) == 1;
  if (!isWeighted && (right != Form::Vector || left == Form::Other || !(a.isJoint || b.isJoint)))
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
    else if (left == Form::Stack)
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
  if (isPlain || formOf(x, param) != Form::Stack)
    return std::nullopt;
  const RuleRun &run = *currentRun;
  auto apply = [this, x, &run](const Array &u, Location at) { return jointProduct(*this, run, u, x, at).value_or(Array()); };
  auto applyTransposed = [this, x, &run](const Array &v, Location at) { return jointProduct(*this, run, x, v, at).value_or(Array()); };
  return makeOperator({text, at, apply, applyTransposed, filled(0, ownShape(x).front(), at), param});
}
