//===- ArrayPrograms.h - Functions of one op that moves or folds arrays ---------===//
//
// The text of functions, for an element type and a rank, and how their arguments are chosen. ArrayOperationTest.cpp calls them.
//
//===----------------------------------------------------------------------===//

#pragma once

#include "Elements.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"

namespace gradus {

using Dims = std::vector<std::string>;

/// How the numbers of an argument are chosen.
enum class Holds { Anything, Mild, Index, Time };

struct Argument {
  std::string name;
  Dims dims;
  Element element;
  Holds holds;
  std::string axis; ///< of an index: the dimension inside of which it stays
};

inline std::string arrayOf(const Dims &dims, llvm::StringRef element) { return llvm::formatv("!gradus.array<[{0}], {1}>", llvm::join(dims, ", "), element).str(); }

/// A function in the making.
struct Program {
  std::string name;
  Element element;
  std::vector<Argument> arguments;
  std::string body, result;
  double ulps = 0;       ///< of the result's type for each element that is folded
  bool isFolded = false; ///< whether the result's elements are each made of several

  /// Adds an argument.
  std::string argument(const Dims &dims, const Element &of, Holds holds, llvm::StringRef axis = "") {
    arguments.push_back({llvm::formatv("x{0}", arguments.size()).str(), dims, of, holds, axis.str()});
    return "%" + arguments.back().name;
  }
  std::string input(const Dims &dims, Holds holds = Holds::Anything) { return argument(dims, element, holds); }
  std::string type(const Dims &dims) const { return arrayOf(dims, element.name); }
  void line(const std::string &text) { body += "  " + text + "\n"; }

  /// Widens an input to the type in which it is computed.
  std::string widen(const std::string &x, const Dims &dims) {
    if (!isNarrow(element))
      return x;
    line(x + "w = gradus.cast " + x + " : " + type(dims) + " to " + arrayOf(dims, element.wide));
    return x + "w";
  }
  std::string wide(const Dims &dims) const { return arrayOf(dims, element.wide); }
  /// Returns %y, which is computed in `computed`, in the type of the test.
  void finish(const Dims &dims, llvm::StringRef computed);
  std::string print() const;
};

using Programs = std::vector<Program>;

struct ArrayRow {
  const char *op;
  Takes takes;
  size_t leastRank;
  void (*write)(Programs &programs, const Element &element, const Dims &dims);
};

/// A row for each op that moves, joins, orders or folds arrays.
llvm::ArrayRef<ArrayRow> getArrayRows();

} // namespace gradus
