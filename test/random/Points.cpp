//===- Points.cpp - Where a unit is tried ------------------------------------------===//

#include "Points.h"

#include "codegen/reference/RandomPoint.h"

#include "llvm/ADT/APFloat.h"

#include <cmath>
#include <limits>
#include <random>

using namespace gradus;
using namespace gradus::random_specs;
using reference::Array;
using reference::Arrays;

std::vector<Place> random_specs::placesOf(uint64_t seed, bool hasGradient) {
  std::vector<Place> places = {{}, {Place::Plain, 23, 17, {7, 16, 41}, false}};
  if (hasGradient)
    places.back().d = 4;
  switch (seed / 3 % 4) {
  case 0:
    places.push_back({Place::Plain, 1, 1, {1, 2, 1}, true});
    break;
  case 1:
    places.push_back({Place::Plain, 0, 3, {0, 5, 0}, true});
    break;
  case 2:
    places.push_back({Place::Tied, 6, 4, {3, 18, 5}, true});
    break;
  default:
    places.push_back({Place::Extreme, 7, 5, {9, 4, 17}, true});
  }
  return places;
}

static bool isOneForAll(FuncOp func, unsigned argument) {
  Role role = func.getArgRole(argument);
  return role == Role::Hyper || role == Role::Time || func.getArgAttr(argument, "gradus.shared");
}

static double numberAt(Place::Numbers numbers, double plain, std::mt19937_64 &random) {
  static constexpr double few[] = {-1, 0, 0.5, 1, 2}, infinity = std::numeric_limits<double>::infinity();
  static constexpr double extreme[] = {0, -0.0, infinity, -infinity, std::numeric_limits<double>::quiet_NaN(), 1e-310, 1e200, 1};
  if (numbers == Place::Tied)
    return few[random() % 5];
  return numbers == Place::Extreme && random() % 6 == 0 ? extreme[random() % 8] : plain;
}

/// The number that the storage of an argument holds.
static double toStorage(double x, mlir::Type array) {
  auto real = llvm::dyn_cast<mlir::FloatType>(llvm::cast<ArrayType>(array).getElementType());
  if (!real || real.isF64())
    return x;
  llvm::APFloat stored(x);
  bool isRounded;
  stored.convert(real.getFloatSemantics(), llvm::APFloat::rmNearestTiesToEven, &isRounded);
  stored.convert(llvm::APFloat::IEEEdouble(), llvm::APFloat::rmNearestTiesToEven, &isRounded);
  return stored.convertToDouble();
}

Slots random_specs::makePoint(FuncOp func, const Place &place, uint64_t seed) {
  Slots slots;
  std::mt19937_64 random(seed);
  for (size_t slot = 0; slot < (func.isOpen() ? place.tensors.size() : 1); ++slot) {
    reference::PointOptions options{seed * 31 + place.n + 1000 * slot, false, {}};
    options.sizes = {{"n", place.n + static_cast<int64_t>(slot)}, {"d", place.d}, {"c", 4}, {"w.numel", place.tensors[slot]}};
    Arrays<double> args = reference::makeRandomPoint(func, options);
    for (unsigned i = 0; i < func.getNumArguments(); ++i) {
      for (double &x : args[i].reals)
        x = toStorage(args[i].shape.empty() ? x : numberAt(place.numbers, x, random), func.getArgumentTypes()[i]);
      if (slot && isOneForAll(func, i))
        args[i] = slots[0][i];
    }
    slots.push_back(std::move(args));
  }
  return slots;
}

Slots random_specs::shake(FuncOp func, Slots slots, double amount, uint64_t seed) {
  for (size_t slot = 0; slot < slots.size(); ++slot) {
    std::mt19937_64 random(seed);
    for (Array<double> &array : slots[slot])
      for (double &x : array.reals)
        x *= 1 + amount * (static_cast<double>(random() % 2001) / 1000 - 1);
    for (unsigned i = 0; slot && i < func.getNumArguments(); ++i)
      if (isOneForAll(func, i))
        slots[slot][i] = slots[0][i];
  }
  return slots;
}
