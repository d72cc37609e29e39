//===- DimExpr.h - Sizes computed from sizes ----------------------*- C++ -*-===//
//
// A dimension of an array type is a size, a symbol, or a formula of symbols: `T + 1`, `q / 4`, `min(p, q)`. A formula is a symbol whose
// text is the formula in canonical form, so that equal formulas are equal attributes and everybody but the few who know a size
// may treat it as any other symbol. The canonical form is a polynomial over one divisor; div, min and max are factors.
//
//===----------------------------------------------------------------------===//

#ifndef GRADUS_DIALECT_DIMEXPR_H
#define GRADUS_DIALECT_DIMEXPR_H

#include "mlir/IR/BuiltinAttributes.h"
#include "llvm/ADT/StringMap.h"

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace gradus {

class DimExpr {
public:
  /// A product of factors: symbols and calls of div, min and max, sorted. None: the number 1.
  using Factors = std::vector<std::string>;
  using Terms = std::map<Factors, int64_t>;
  /// The two arguments of a factor that is a call.
  struct Call;

  static DimExpr number(int64_t value);
  static DimExpr symbol(llvm::StringRef name);
  /// The formula that a dimension is. A text that is no formula is a symbol.
  static DimExpr of(mlir::Attribute dim);
  static DimExpr parse(llvm::StringRef text);

  DimExpr operator+(const DimExpr &other) const;
  DimExpr operator-(const DimExpr &other) const;
  DimExpr operator*(const DimExpr &other) const;
  /// The quotient where it is whole; a remainder is found where the sizes are known. Invalid for a divisor that is no number.
  DimExpr operator/(const DimExpr &divisor) const;
  static DimExpr floorDiv(const DimExpr &a, const DimExpr &b);
  static DimExpr min(const DimExpr &a, const DimExpr &b) { return extremum(a, b, /*isMax=*/false); }
  static DimExpr max(const DimExpr &a, const DimExpr &b) { return extremum(a, b, /*isMax=*/true); }

  /// False where a number does not fit, the formula is too large, or a divisor is no positive number.
  bool isValid() const { return valid; }
  std::optional<int64_t> getNumber() const;
  /// True if it is not negative whatever the sizes are, in so far as that shows.
  bool isNeverNegative() const;
  const Terms &getTerms() const { return terms; }
  int64_t getDivisor() const { return divisor; }
  static std::optional<Call> readCall(llvm::StringRef factor);

  std::string print() const;
  /// An IntegerAttr for a number, else a StringAttr.
  mlir::Attribute toAttr(mlir::MLIRContext *context) const;
  /// The symbols in it.
  std::set<std::string> getSymbols() const;
  /// The size; none where a symbol has none, a quotient is not whole, or a number does not fit. It may be negative.
  std::optional<int64_t> evaluate(const llvm::StringMap<int64_t> &sizes) const;
  /// What `symbol` is where this is `value`, if the formula is linear in it.
  std::optional<DimExpr> solve(llvm::StringRef symbol, const DimExpr &value) const;

private:
  static DimExpr extremum(const DimExpr &a, const DimExpr &b, bool isMax);
  static DimExpr invalid();
  void addTerm(const Factors &factors, int64_t times);
  void reduce();

  Terms terms;
  int64_t divisor = 1;
  bool valid = true;
};

struct DimExpr::Call {
  llvm::StringRef word; ///< div, min or max
  DimExpr a, b;
};

/// Whether a dimension is a formula of symbols.
bool isFormula(mlir::Attribute dim);

/// The symbol of `formula` that is missing in `sizes`, if it is the only one.
std::optional<std::string> findOnlyUnknown(const DimExpr &formula, llvm::function_ref<bool(llvm::StringRef)> isKnown);

/// Gives sizes to symbols that stand in formulas alone, from the sizes of the dimensions that are these formulas. What does not come
/// out as a size stays without one.
void solveSizes(llvm::ArrayRef<std::pair<mlir::Attribute, int64_t>> dims, llvm::StringMap<int64_t> &sizes);
/// The size of a dimension, of a formula too; none where it is unknown or negative.
std::optional<int64_t> sizeOfDim(mlir::Attribute dim, const llvm::StringMap<int64_t> &sizes);

} // namespace gradus

#endif // GRADUS_DIALECT_DIMEXPR_H
