//===- ArrayOperationTest.cpp - What moves, joins, orders and folds arrays -------===//
//
// For each row, each element type that the op takes and each rank from 0 to 8: functions of one op, compiled and interpreted at the same
// stored numbers; arrays of one element, of none along the first axis or the last, and of uneven sizes. What only moves elements
// gives equal ones, be they NaN, infinite or subnormal. Arithmetic has numbers near 1, in one point with an infinity and a NaN
// among them, and integers that overflow.
//
//===----------------------------------------------------------------------===//

#include "ArrayPrograms.h"

#include "mlir/Parser/Parser.h"

#include <random>

using namespace mlir;
using namespace gradus;
using namespace gradus::reference;

namespace {

using Sizes = std::map<std::string, int64_t>;

Dims dimsOf(size_t rank) {
  Dims dims;
  for (size_t axis = 0; axis < rank; ++axis)
    dims.push_back("a" + std::to_string(axis));
  return dims;
}

constexpr unsigned points = 6;

/// The sizes of a point: ones, uneven ones twice, across the edge of a vector, and none along the first axis and the last.
Sizes sizesOf(unsigned point, size_t rank) {
  constexpr int64_t uneven[] = {3, 2, 1, 2, 3, 1, 2, 2};
  Sizes sizes{{"b", point % 3}, {"m", point == 0 ? 1 : 5 + point}};
  for (size_t axis = 0; axis < rank; ++axis) {
    bool isLast = axis + 1 == rank;
    int64_t size = point == 0 ? 1 : point == 3 && isLast ? 19 : uneven[axis];
    sizes["a" + std::to_string(axis)] = (point == 4 && axis == 0) || (point == 5 && isLast) ? 0 : size;
  }
  return sizes;
}

/// Numbers near 1; at point 2 an infinity and a NaN. Integers are any.
Array<double> makeMild(const Element &element, const Shape &shape, unsigned seed, bool isSpecial) {
  if (!isFloat(element))
    return makeOperand(element, shape, seed);
  Array<double> array = Array<double>::zeros(Kind::Real, shape);
  std::mt19937_64 bits(seed);
  for (double &x : array.reals) {
    x = roundTo(element, (bits() & 1 ? 1 : -1) * (0.75 + static_cast<double>(bits() >> 11) * 0x1p-54));
    if (isSpecial && bits() % 7 == 0)
      x = bits() % 2 ? std::numeric_limits<double>::infinity() : std::nan("");
  }
  return array;
}

class EachRank : public EachType {
protected:
  Arrays<double> makeArguments(const Program &program, unsigned point, const Sizes &sizes) {
    Arrays<double> args;
    for (const Argument &arg : program.arguments) {
      Shape shape;
      for (const std::string &dim : arg.dims)
        shape.push_back(sizes.at(dim));
      unsigned seed = 10 * point + args.size();
      if (arg.holds == Holds::Time) {
        args.push_back(Array<double>::integer({}, {point + 1}));
      } else if (arg.holds == Holds::Index) {
        std::vector<int64_t> values(countElements(shape));
        std::mt19937_64 bits(seed);
        for (int64_t &x : values)
          x = static_cast<int64_t>(bits() % std::max<int64_t>(1, sizes.at(arg.axis)));
        args.push_back(Array<double>::integer(shape, values));
      } else {
        args.push_back(arg.holds == Holds::Mild ? makeMild(arg.element, shape, seed, point == 2) : makeOperand(arg.element, shape, seed));
      }
    }
    return args;
  }

  /// All at once; where that fails, one by one, and what has no code is told and left out.
  void compileAll(Programs &programs) {
    auto make = [&](ArrayRef<Program> some) {
      std::string text;
      for (const Program &program : some)
        text += program.print();
      module = parseSourceString<ModuleOp>(text, &context);
      compiled = Compiled::create(*module, error, {}, llvm::CodeGenOptLevel::None); // many functions: LLVM takes the time
      return compiled != nullptr;
    };
    if (make(programs))
      return;
    llvm::erase_if(programs, [&](const Program &program) {
      bool isMade = make(program);
      EXPECT_TRUE(isMade) << error << "\n" << program.print();
      return !isMade;
    });
    ASSERT_TRUE(make(programs)) << error;
  }

  /// Both engines give the same, or both refuse.
  void compare(const Program &program, unsigned point, const Sizes &sizes) {
    SCOPED_TRACE(program.print() + "at point " + std::to_string(point));
    Arrays<double> args = makeArguments(program, point, sizes);
    auto func = module->lookupSymbol<FuncOp>(program.name);
    auto reference = evaluate<double>(func, args, error);
    auto machine = compiled->call(program.name, args, error);
    ASSERT_EQ(succeeded(machine), succeeded(reference)) << error;
    if (failed(reference))
      return;
    double count = 1;
    for (const Array<double> &arg : args)
      count = std::max<double>(count, countElements(arg.shape));
    const Element &element = GetParam();
    auto type = llvm::cast<ArrayType>(func.getResultTypes()[0]);
    bool isScalar = type.isScalar() && isFloat(element);
    // A scalar is f64, but of what is computed in the arithmetic type.
    const Element &of = !isScalar ? element : StringRef(element.wide) == "f32" && program.isFolded ? elements[2] : elementF64;
    double ulps = !program.isFolded ? 0 : isNarrow(element) && !isScalar ? 1 + std::ldexp(program.ulps * (4 + count), element.bits - 24) : program.ulps * (4 + count);
    expectNear(of, machine->front().front(), reference->front(), ulps, program.isFolded ? count : 0, [](size_t) { return std::string(); });
  }
};

} // namespace

bool gradus::hasArrayRow(StringRef op) {
  return llvm::any_of(getArrayRows(), [&](const ArrayRow &row) { return row.op == op; });
}

TEST_P(EachRank, Agrees) {
  const Element &element = GetParam();
  for (size_t rank = 0; rank <= 8; ++rank) {
    Programs programs;
    for (const ArrayRow &row : getArrayRows())
      if (isTaken(row.takes, element) && rank >= row.leastRank)
        row.write(programs, element, dimsOf(rank));
    llvm::erase_if(programs, [&](const Program &program) {
      bool isWrong = !isLegal(context, program.print());
      EXPECT_FALSE(isWrong) << program.print();
      return isWrong;
    });
    compileAll(programs);
    for (const Program &program : programs)
      for (unsigned point = 0; point < points; ++point)
        compare(program, point, sizesOf(point, rank));
  }
}

INSTANTIATE_TEST_SUITE_P(Operations, EachRank, testing::ValuesIn(elements), [](const auto &info) { return std::string(info.param.name); });
