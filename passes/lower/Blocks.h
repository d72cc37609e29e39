//===- Blocks.h - Numbers in blocks of 8-bit codes -------------------------------===//
//
// The code is stated in dialect/Base.td (`blocks`), encoding in dialect/Storage.td. Both directions are a few operations on the bits of f32, without a
// table: the exponent of the code counts powers of 8, that of f32 powers of 2.
//
//===----------------------------------------------------------------------===//

#pragma once

#include "passes/lower/Code.h"

namespace gradus {

/// The bytes of an array of `count` elements.
mlir::Value emitBytes(CodeBuilder &code, mlir::Type element, mlir::Value count);

/// What the codes of one block mean: scalars, or vectors where each lane is in a block of its own.
struct BlockForm {
  mlir::Value codes;                ///< where the code of element 0 would stand if the array were this block
  mlir::Value scale;                ///< without its mark
  mlir::Value magnitude, sign;      ///< the bits of a code, and whether its highest one goes into the sign of f32
  mlir::Value upFactor, downFactor; ///< of u and of its power of 2
};

/// That of the block of the element at `index`.
BlockForm loadForm(CodeBuilder &code, mlir::Value base, BlocksType type, mlir::Value index);
/// The number at `index` in f32: of one element, of `lanes` in a row that one block holds, or of an index in each lane.
mlir::Value loadFromBlock(CodeBuilder &code, mlir::Value base, BlocksType type, mlir::Value index);
mlir::Value loadRowFromBlock(CodeBuilder &code, const BlockForm &form, mlir::Value index, mlir::Value mask);
mlir::Value gatherFromBlocks(CodeBuilder &code, mlir::Value base, BlocksType type, mlir::Value indices);

/// The place of the scale of the block of the element at `index`; its codes follow.
mlir::Value addressOfScale(CodeBuilder &code, mlir::Value base, BlocksType type, mlir::Value index);

/// How the numbers of one block are encoded: scalars, or vectors of them.
struct EncodeForm {
  mlir::Value stored;          ///< the bits of the scale, with its mark
  mlir::Value halfReciprocal;  ///< of the scale, halved
  mlir::Value bound;           ///< what is above `bound` is not 0
  mlir::Value leastPart;       ///< half of the part of the scale that has the code 1
  mlir::Value seventh, mask, signMask;
};
/// From the bits of all numbers, i32: the largest one, and the largest one with the highest bit flipped; of none 0, and the least integer.
EncodeForm decideForm(CodeBuilder &code, mlir::Value largestSigned, mlir::Value largestFlipped);
/// The codes of numbers, given as bits.
mlir::Value encodeNumbers(CodeBuilder &code, mlir::Value bits, const EncodeForm &form);

/// Encodes the elements [begin, end) of an array from f32 at `numbers`, which is the place of element `begin`, the first one of a block.
void emitEncode(CodeBuilder &code, BlocksType type, mlir::Value base, mlir::Value numbers, mlir::Value begin, mlir::Value end);

} // namespace gradus
