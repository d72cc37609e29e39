// walk.hpp - written by gradus 0.1.0 from walk.grad; C++17 and later.

#ifndef GRADUS_SPEC_MY_WALK_HPP
#define GRADUS_SPEC_MY_WALK_HPP

#include "walk.h"
#include "gradus.hpp"

namespace gradus {
namespace my_walk_spec {

/// Entry 'walk.init'.
/// The members and what they mean are in walk.h.
class my_walk_init : public Kernel<NoHyper, ::my_walk_init_slot> {
public:
  my_walk_init() : Kernel(*::my_walk_init_entry(), MY_WALK_ABI) {}
};

/// A walk. */ int evil; /* C:\new
/// The members and what they mean are in walk.h.
class my_walk_step : public Kernel<::my_walk_step_hyper, ::my_walk_step_slot> {
public:
  my_walk_step() : Kernel(*::my_walk_step_entry(), MY_WALK_ABI) {}
};

/// Entry 'half'.
/// The members and what they mean are in walk.h.
class my_half : public Kernel<NoHyper, ::my_half_slot> {
public:
  my_half() : Kernel(*::my_half_entry(), MY_WALK_ABI) {}
};

} // namespace my_walk_spec
} // namespace gradus

#endif // GRADUS_SPEC_MY_WALK_HPP
