"""The model: PCA, scaling, Gaussian kernel density, and the classifier that joins them."""

from kdeviz.model.all_rows import AllRows
from kdeviz.model.anomalib_file import read_anomalib
from kdeviz.model.axes_cache import AxesCache, AxesOf
from kdeviz.model.classifier import KDEClassifier
from kdeviz.model.curve import ProbabilityCurve, logistic
from kdeviz.model.devices import device_name, is_out_of_memory, resolve_device
from kdeviz.model.eigenvectors import eigenvectors, is_searched, krylov_block
from kdeviz.model.fold_axes import FoldAxes, TallGrams
from kdeviz.model.folds import fold_count, training_subset
from kdeviz.model.held_out import fold_model, hold_out
from kdeviz.model.kde import GaussianKDE, bandwidth_factor
from kdeviz.model.kernels.choice import IN_WORDS as KERNEL_WORDS
from kdeviz.model.kernels.choice import KERNELS, MANY_POINTS
from kdeviz.model.kernels.sums import KernelSums
from kdeviz.model.model_file import read_model_file
from kdeviz.model.moments import LARGEST_FEATURE
from kdeviz.model.near_copies import NearTraining, hold_together, near_points, some_of
from kdeviz.model.pca import PCA
from kdeviz.model.principal_axes import PrincipalAxes, principal_axes
from kdeviz.model.separate_groups import Groups, separate_groups

__all__ = [
    "KERNELS",
    "KERNEL_WORDS",
    "LARGEST_FEATURE",
    "MANY_POINTS",
    "PCA",
    "AllRows",
    "AxesCache",
    "AxesOf",
    "FoldAxes",
    "GaussianKDE",
    "Groups",
    "KDEClassifier",
    "KernelSums",
    "NearTraining",
    "PrincipalAxes",
    "ProbabilityCurve",
    "TallGrams",
    "bandwidth_factor",
    "device_name",
    "eigenvectors",
    "fold_count",
    "fold_model",
    "hold_out",
    "hold_together",
    "is_out_of_memory",
    "is_searched",
    "krylov_block",
    "logistic",
    "near_points",
    "principal_axes",
    "read_anomalib",
    "read_model_file",
    "resolve_device",
    "separate_groups",
    "some_of",
    "training_subset",
]
