"""The model: PCA, scaling, Gaussian kernel density, and the classifier that joins them."""

from kdeviz.model.anomalib_file import read_anomalib
from kdeviz.model.axes_cache import AxesCache
from kdeviz.model.classifier import KDEClassifier
from kdeviz.model.curve import ProbabilityCurve, logistic
from kdeviz.model.devices import device_name, is_out_of_memory, resolve_device
from kdeviz.model.eigenvectors import is_searched, krylov_block
from kdeviz.model.fold_axes import FoldAxes
from kdeviz.model.folds import fold_count
from kdeviz.model.held_out import HeldOut, fold_model, hold_out
from kdeviz.model.kde import GaussianKDE, bandwidth_factor
from kdeviz.model.kernels.choice import KERNELS
from kdeviz.model.kernels.sums import KernelSums
from kdeviz.model.model_file import read_model_file
from kdeviz.model.pca import PCA
from kdeviz.model.principal_axes import LARGEST_FEATURE, PrincipalAxes, principal_axes
from kdeviz.model.separate_groups import Groups, separate_groups
from kdeviz.model.subset import training_subset

__all__ = [
    "KERNELS",
    "LARGEST_FEATURE",
    "PCA",
    "AxesCache",
    "FoldAxes",
    "GaussianKDE",
    "Groups",
    "HeldOut",
    "KDEClassifier",
    "KernelSums",
    "PrincipalAxes",
    "ProbabilityCurve",
    "bandwidth_factor",
    "device_name",
    "fold_count",
    "fold_model",
    "hold_out",
    "is_out_of_memory",
    "is_searched",
    "krylov_block",
    "logistic",
    "principal_axes",
    "read_anomalib",
    "read_model_file",
    "resolve_device",
    "separate_groups",
    "training_subset",
]
