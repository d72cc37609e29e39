//===- EvaluatorDraw.cpp - Draws ----------------------------------------------===//

#include "codegen/reference/Frame.h"
#include "codegen/reference/Philox.h"

using namespace mlir;
using namespace gradus;
using namespace gradus::reference;

/// An element of a draw of floats; `p` is the probability of a bernoulli.
template <typename T, typename Bits>
static T realOf(DrawKind kind, Bits bits, double p) {
  switch (kind) {
  case DrawKind::Normal:
    return normalOf<T>(bits);
  case DrawKind::Exponential:
    return -logOf(uniformOf<T>(bits));
  case DrawKind::Gumbel:
    return -logOf(-logOf(uniformOf<T>(bits)));
  case DrawKind::Rademacher:
    return bits >> (8 * sizeof(Bits) - 1) ? T(-1) : T(1);
  case DrawKind::Bernoulli: {
    uint64_t word = sizeof(Bits) == 4 ? bits : static_cast<uint64_t>(bits) >> 32;
    // Rounded down: NaN and what is below 0 are never above a word, and all words are below 1.
    return p >= 1 || (p > 0 && word < static_cast<uint64_t>(p * 0x1p32)) ? T(1) : T(0);
  }
  default:
    return uniformOf<T>(bits);
  }
}

/// The number of partial sums that are at most u times the total, but never the number of weights. What is no positive weight is 0.
static int64_t chooseOf(double u, ArrayRef<double> weights) {
  double total = 0, partial = 0;
  auto part = [](double weight) { return weight > 0 ? weight : 0; };
  for (double weight : weights)
    total += part(weight);
  int64_t count = 0, last = std::max<int64_t>(static_cast<int64_t>(weights.size()) - 1, 0);
  for (double weight : weights) {
    partial += part(weight);
    count += partial <= u * total;
  }
  return std::min(count, last);
}

template <typename S>
LogicalResult Frame<S>::draw(DrawOp op, unsigned slot, Array<S> &y) {
  DrawKind kind = op.getDistribution();
  auto type = arrayType(op.getY());
  Shape shape;
  if (failed(session.resolve(op, type.getShape(), slot, shape)))
    return failure();
  y = Array<S>::zeros(kindOf(type), shape);
  SmallVector<int64_t> keys;
  if (op->hasAttr("each"))
    keys.push_back(slot);
  for (Value key : op.getKeys())
    keys.push_back(get(key, slot).ints[0]);
  uint64_t key = drawKey(session.seed, static_cast<uint64_t>(get(op.getTime(), slot).ints[0]), op.getSite(), keys);
  std::vector<double> numbers;
  int64_t count = 0;
  if (!op.getParameters().empty()) {
    const Array<S> &parameter = get(op.getParameters()[0], slot);
    for (const S &number : parameter.reals)
      numbers.push_back(static_cast<double>(Math<S>::lead(number)));
    numbers.insert(numbers.end(), parameter.ints.begin(), parameter.ints.end());
    count = parameter.ints.empty() ? 0 : parameter.ints[0];
  }
  double p = numbers.empty() ? 0 : numbers[0];
  bool isSingle = type.getElementType().isF32();
  for (int64_t i = 0; i < y.size(); ++i)
    if (kind == DrawKind::Permutation)
      y.ints[i] = permuted(key, i, y.size());
    else if (kind == DrawKind::Bits)
      y.ints[i] = bits16(key, i);
    else if (kind == DrawKind::Index)
      y.ints[i] = indexOf(bits64(key, i), count);
    else if (kind == DrawKind::Categorical)
      y.ints[i] = chooseOf(uniformOf<double>(bits64(key, i)), numbers);
    else if (kind == DrawKind::Gamma)
      y.reals[i] = S(static_cast<typename Math<S>::Lead>(isSingle ? static_cast<float>(gammaOf(key, i, p)) : gammaOf(key, i, p)));
    else if (isSingle)
      y.reals[i] = S(static_cast<typename Math<S>::Lead>(realOf<float>(kind, bits32(key, i), p)));
    else
      y.reals[i] = S(static_cast<typename Math<S>::Lead>(realOf<double>(kind, bits64(key, i), p)));
  return success();
}

#define INSTANTIATE(S) template LogicalResult Frame<S>::draw(DrawOp, unsigned, Array<S> &);
GRADUS_FOR_EACH_SCALAR(INSTANTIATE)
