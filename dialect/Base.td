// Dialect, types, attributes, constraints and base classes shared by all op families.

#ifndef GRADUS_BASE_TD
#define GRADUS_BASE_TD

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"
include "mlir/IR/OpBase.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/FunctionInterfaces.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Gradus_Dialect : Dialect {
  let name = "gradus";
  let summary = "Losses, gradients and update rules";
  let description = [{
    A value of this dialect is an array with symbolic dimensions. Every op is a pure function of its operands; a
    step becomes a transaction only at the border of a `gradus.func`, whose results of role `next` replace the
    arguments that they name.

    Three element types are kept apart. The *storage type* is the element type of a function's argument. The
    *arithmetic type* is the element type of the values computed from it (`gradus.cast` goes between the two). The
    *accumulation type* is a property of each reduction. A floating value of rank 0 is always `f64`: it is
    evaluated once per call and rounded once, by the `gradus.cast` through which it meets an array.
  }];
  let cppNamespace = "::gradus";
  let useDefaultTypePrinterParser = 1;
  let useDefaultAttributePrinterParser = 1;
  let hasConstantMaterializer = 1;
  let hasRegionArgAttrVerify = 1;
  let extraClassDeclaration = "void registerTypes();";
}

//===----------------------------------------------------------------------===//
// Types
//===----------------------------------------------------------------------===//

def Gradus_ArrayType : TypeDef<Gradus_Dialect, "Array"> {
  let mnemonic = "array";
  let summary = "An array with symbolic or static dimensions";
  let description = [{
    `!gradus.array<[n, 64], f32>` has two axes; the first has the size that the caller's arguments give to the
    symbol `n`. A dimension is a `StringAttr` (a symbol) or an `IntegerAttr` of type i64 (a size). Two dimensions are
    equal exactly if their attributes are. A tensor of a rank-polymorphic rule is the vector of its elements, of
    the one dimension `w.numel`. A symbol that is no bare identifier is printed in quotes.
  }];
  let parameters = (ins ArrayRefParameter<"::mlir::Attribute">:$shape, "::mlir::Type":$elementType);
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
  let builders = [TypeBuilderWithInferredContext<(ins "::llvm::ArrayRef<::mlir::Attribute>":$shape, "::mlir::Type":$elementType), [{
    return $_get(elementType.getContext(), shape, elementType);
  }]>];
  let extraClassDeclaration = [{
    int64_t getRank() const { return getShape().size(); }
    bool isScalar() const { return getShape().empty(); }
    bool isFloat() const { return ::llvm::isa<::mlir::FloatType>(getElementType()) || isBlocks(); }
    /// Real numbers that are kept in blocks of 8-bit codes.
    bool isBlocks() const;
    bool isBool() const { return getElementType().isInteger(1); }
    bool isInt() const { return getElementType().isInteger(32) || getElementType().isInteger(64); }
    /// The same shape with another element type.
    ArrayType withElement(::mlir::Type element) const { return get(getShape(), element); }
    /// The same element type with another shape.
    ArrayType withShape(::llvm::ArrayRef<::mlir::Attribute> shape) const { return get(shape, getElementType()); }
    /// The type with `axes` removed.
    ArrayType dropAxes(::llvm::ArrayRef<int64_t> axes) const;
    /// Rank-0 array of `element`.
    static ArrayType scalar(::mlir::Type element) { return get({}, element); }
  }];
}

def Gradus_BlocksType : TypeDef<Gradus_Dialect, "Blocks"> {
  let mnemonic = "blocks";
  let summary = "The element type of real numbers in blocks of 8-bit codes";
  let description = [{
    `!gradus.array<[n], !gradus.blocks<256>>`: each 256 neighbours in row-major order share a scale s, the largest of their magnitudes but at least 2^-126, and each of them is a code c
    of 8 bits. It is a storage type: `gradus.cast` widens it to f32 or f64, `gradus.encode` alone makes it.

    The code is the dynamic tree of Dettmers et al. (2022), with powers of 8 in place of those of 10 so that all its values are dyadic. A magnitude is v(u) s, where
    u = 2^f m with 1 <= m < 2 and v(u) = 8^(f - 7) (7 m - 6): from one power of 8 to the next the values are equally spaced, and there are half as many as above it. In a
    block with a negative number the highest bit of c is the sign and u is 1 + the other seven; else c has no sign and u = (1 + c) / 2. The code 0 is 0.

    In memory a block is its scale, an f32, and then its codes, a byte for each number; the last block may have fewer. The sign bit of the scale says that the codes have none. Zeros are
    a block of zeros.

    (blocks_c1) the size of a block is a power of 2 from 16 to 4096.
  }];
  let parameters = (ins "int64_t":$size);
  let assemblyFormat = "`<` $size `>`";
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    static constexpr int64_t least = 16, most = 4096;
    /// The bytes of a block's scale, which come before its codes.
    static constexpr int64_t scaleBytes = 4;
  }];
}

class ArrayOf<code elementTest, string what> : Type<
    And<[CPred<"::llvm::isa<::gradus::ArrayType>($_self)">, SubstLeaves<"$_self", "::llvm::cast<::gradus::ArrayType>($_self)", CPred<elementTest>>]>,
    "array of " # what, "::gradus::ArrayType">;
def AnyArray : ArrayOf<"true", "any element">;
def BoolArray : ArrayOf<"$_self.isBool()", "i1">;
def BlocksArray : ArrayOf<"$_self.isBlocks()", "blocks of 8-bit codes">;
def FloatArray : ArrayOf<"$_self.isFloat() && !$_self.isBlocks()", "floating point">;
def IntArray : ArrayOf<"$_self.isInt()", "i32 or i64">;
def NumericArray : ArrayOf<"!$_self.isBool() && !$_self.isBlocks()", "numbers">;
def IntScalar : ArrayOf<"$_self.isInt() && $_self.isScalar()", "i32 or i64, of rank 0">;
def BoolScalar : ArrayOf<"$_self.isBool() && $_self.isScalar()", "i1, of rank 0">,
    BuildableType<"::gradus::ArrayType::scalar($_builder.getI1Type())">;
def FloatScalar : ArrayOf<"$_self.isFloat() && $_self.isScalar()", "floating point, of rank 0">;

//===----------------------------------------------------------------------===//
// Attributes
//===----------------------------------------------------------------------===//

class Gradus_Enum<string name, string summary, list<I32EnumAttrCase> cases> : I32EnumAttr<name, summary, cases> {
  let cppNamespace = "::gradus";
  let genSpecializedAttr = 0;
}
class Gradus_EnumAttr<I32EnumAttr enum, string mnemonic> : EnumAttr<Gradus_Dialect, enum, mnemonic> {
  let assemblyFormat = "$value";
}

def Gradus_FuncKind : Gradus_Enum<"FuncKind", "What unit of the language a function came from", [
  I32EnumAttrCase<"Fn", 0, "fn">,
  I32EnumAttrCase<"Loss", 1, "loss">,
  I32EnumAttrCase<"Schedule", 2, "schedule">,
  I32EnumAttrCase<"RuleInit", 3, "rule_init">,
  I32EnumAttrCase<"RuleStep", 4, "rule_step">,
  I32EnumAttrCase<"TrainInit", 5, "train_init">,
  I32EnumAttrCase<"TrainStep", 6, "train_step">,
  I32EnumAttrCase<"Test", 7, "test">]>;
def Gradus_FuncKindAttr : Gradus_EnumAttr<Gradus_FuncKind, "kind">;

def Gradus_Role : Gradus_Enum<"Role", "What an argument or a result of a function is for", [
  I32EnumAttrCase<"Param", 0, "param">,
  I32EnumAttrCase<"Grad", 1, "grad">,
  I32EnumAttrCase<"State", 2, "state">,
  I32EnumAttrCase<"Input", 3, "input">,
  I32EnumAttrCase<"Data", 4, "data">,
  I32EnumAttrCase<"Hyper", 5, "hyper">,
  I32EnumAttrCase<"Time", 6, "time">,
  I32EnumAttrCase<"Value", 7, "value">,
  I32EnumAttrCase<"Next", 8, "next">,
  I32EnumAttrCase<"Report", 9, "report">]>;
def Gradus_RoleAttr : Gradus_EnumAttr<Gradus_Role, "role"> { let assemblyFormat = "`<` $value `>`"; }

def Gradus_Compare : Gradus_Enum<"ComparePredicate", "Comparison", [
  I32EnumAttrCase<"Eq", 0, "eq">, I32EnumAttrCase<"Ne", 1, "ne">, I32EnumAttrCase<"Lt", 2, "lt">,
  I32EnumAttrCase<"Le", 3, "le">, I32EnumAttrCase<"Gt", 4, "gt">, I32EnumAttrCase<"Ge", 5, "ge">]>;
def Gradus_CompareAttr : Gradus_EnumAttr<Gradus_Compare, "predicate">;

def Gradus_Reduction : Gradus_Enum<"ReductionKind", "Reduction", [
  I32EnumAttrCase<"Sum", 0, "sum">, I32EnumAttrCase<"Prod", 1, "prod">, I32EnumAttrCase<"Max", 2, "max">,
  I32EnumAttrCase<"Min", 3, "min">, I32EnumAttrCase<"Any", 4, "any">, I32EnumAttrCase<"All", 5, "all">]>;
def Gradus_ReductionAttr : Gradus_EnumAttr<Gradus_Reduction, "reduction">;

def Gradus_Draw : Gradus_Enum<"DrawKind", "Distribution of a draw", [
  I32EnumAttrCase<"Normal", 0, "normal">, I32EnumAttrCase<"Uniform", 1, "uniform">,
  I32EnumAttrCase<"Rademacher", 2, "rademacher">, I32EnumAttrCase<"Bernoulli", 3, "bernoulli">,
  I32EnumAttrCase<"Gumbel", 4, "gumbel">, I32EnumAttrCase<"Exponential", 5, "exponential">,
  I32EnumAttrCase<"Gamma", 6, "gamma">, I32EnumAttrCase<"Categorical", 7, "categorical">,
  I32EnumAttrCase<"Index", 8, "index">, I32EnumAttrCase<"Permutation", 9, "permutation">,
  I32EnumAttrCase<"Bits", 10, "bits">]>;
def Gradus_DrawAttr : Gradus_EnumAttr<Gradus_Draw, "distribution">;

def Gradus_Query : Gradus_Enum<"OracleQuery", "What is asked of an oracle", [
  I32EnumAttrCase<"Value", 0, "value">, I32EnumAttrCase<"Gradient", 1, "gradient">,
  I32EnumAttrCase<"HessianProduct", 2, "hessian_product">]>;
def Gradus_QueryAttr : Gradus_EnumAttr<Gradus_Query, "query">;

def Gradus_IntervalAttr : AttrDef<Gradus_Dialect, "Interval"> {
  let mnemonic = "interval";
  let summary = "The interval that a hyper-parameter must lie in";
  let description = [{`#gradus.interval<0.0 closed, 1.0 open>` is [0, 1).}];
  let parameters = (ins APFloatParameter<"">:$low, "bool":$lowClosed, APFloatParameter<"">:$high, "bool":$highClosed);
  let hasCustomAssemblyFormat = 1;
  let extraClassDeclaration = [{
    double getLowValue() const { return getLow().convertToDouble(); }
    double getHighValue() const { return getHigh().convertToDouble(); }
    bool contains(double x) const {
      return (getLowClosed() ? x >= getLowValue() : x > getLowValue()) &&
             (getHighClosed() ? x <= getHighValue() : x < getHighValue());
    }
  }];
}

//===----------------------------------------------------------------------===//
// Base classes
//===----------------------------------------------------------------------===//

/// Element i of each result depends on element i of each operand alone, and all have one shape.
def Pointwise : NativeOpTrait<"Pointwise"> { let cppNamespace = "::gradus"; }

class Gradus_Op<string mnemonic, list<Trait> traits = []> : Op<Gradus_Dialect, mnemonic, traits>;
class Gradus_PureOp<string mnemonic, list<Trait> traits = []> : Gradus_Op<mnemonic, traits # [Pure]>;

#endif // GRADUS_BASE_TD
