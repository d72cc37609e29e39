//===- Programs.h - Small functions, at least one for each op of the dialect ----===//
//
// What the tests of derivatives run. Each is a function of real arrays, written down as MLIR with two abbreviations: `$[n, c]` is an array of f64, `$i[..]`
// and `$b[..]` are those of integers and truth values. The ops with rows in Derivatives.td have programs by OpDerivatives.def itself.
//
//===----------------------------------------------------------------------===//

#pragma once

#include "dialect/Gradus.h"

#include "llvm/ADT/StringMap.h"

#include <ostream>
#include <string>
#include <vector>

namespace gradus::matrix {

/// Where the numbers of an input are chosen: all of them away from kinks, and no two of them equal.
enum class Domain {
  Anything,
  Positive,  ///< 0.3 .. 2
  AboveOne,  ///< 1.2 .. 3
  Unit,      ///< -0.9 .. 0.9
  Between,   ///< 0.1 .. 0.9
  Square,    ///< a matrix that is not symmetric, of different eigenvalues; leading axes count matrices
  Definite,  ///< one whose lower triangle is that of a positive definite matrix
};

struct Input {
  const char *name;
  const char *dims;
  Domain domain = Domain::Anything;
};

/// The elements of each input.
using Elements = std::vector<std::vector<double>>;

struct Program {
  std::string name;
  std::vector<Input> inputs;
  std::vector<const char *> results; ///< the shapes of %y, or of %y0, %y1, ..
  std::string body;
  std::vector<Elements> boundary = {}; ///< points on kinks and borders, where all derivatives are finite
  unsigned order = 2;                  ///< how many derivatives there are
  bool isSeenByDifferences = true;     ///< false of what is a constant for derivatives alone
  bool hasIdleParts = false;           ///< has ops that are not executed, or have the derivative 0: what is wrong with these is found elsewhere
  std::vector<Elements> infinite = {};  ///< points where slopes are infinite, of elementwise ops of one operand
};

/// For messages.
void PrintTo(const Program &program, std::ostream *os);

/// All that have derivatives, those that are constants for derivatives included.
const std::vector<Program> &getPrograms();
/// Those that a derivative is refused of: the body has one op on the line that `op` stands in.
struct Refused {
  std::string op;
  Program program;
};
void PrintTo(const Refused &refused, std::ostream *os);
const std::vector<Refused> &getRefused();

/// The sizes of the symbols in them.
llvm::StringMap<int64_t> getSizes();
/// With types for their abbreviations.
std::string expandTypes(const std::string &text);
std::string typeOf(const std::string &dims);

// The parts of the table.
void addElementwise(std::vector<Program> &programs);
void addStructural(std::vector<Program> &programs);
void addReductions(std::vector<Program> &programs);
void addMatrices(std::vector<Program> &programs);
void addControl(std::vector<Program> &programs);
void addConstants(std::vector<Program> &programs);

} // namespace gradus::matrix
