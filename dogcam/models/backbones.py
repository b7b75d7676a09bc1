"""The model registry: one row per backbone. Builders are dotted strings, so that listing them is instant."""

from __future__ import annotations

from dataclasses import dataclass

from dogcam.core.registry import Registry

_WEIGHTS = "https://storage.googleapis.com/tensorflow/keras-applications/"


@dataclass(frozen=True)
class Backbone:
    """A row of the registry.

    Attributes:
        builder: "module:function" with the signature of keras.applications.
        preprocess: "module:function" that takes pixels (0 to 255, RGB) to what the network expects; "" where the
            network scales its input itself.
        image_size: side of the square input, in pixels.
        stages: the last layer of each of the last three stages, in order.
        weights: where the ImageNet weights without the top are downloaded from; "" where there are none.
        source: the paper.
    """

    builder: str
    preprocess: str
    image_size: int
    stages: tuple[str, str, str]
    weights: str
    source: str

    @property
    def last_conv(self) -> str:
        """The last convolutional layer (with its activation): where Grad-CAM is drawn unless told otherwise."""
        return self.stages[-1]


BACKBONES: Registry[Backbone] = Registry("backbone")


def _keras(name: str, builder: str, module: str, size: int, stages: tuple[str, str, str], weights: str, source: str) -> None:
    preprocess = f"keras.applications.{module}:preprocess_input" if module else ""
    url = f"{_WEIGHTS}{weights}"
    BACKBONES.add(name, Backbone(f"keras.applications:{builder}", preprocess, size, stages, url, source))


def _resnets() -> None:
    he_2015, he_2016 = "He et al. 2015, arXiv:1512.03385", "He et al. 2016, arXiv:1603.05027"
    for depth, conv3, conv4 in ((50, 4, 6), (101, 4, 23), (152, 8, 36)):
        stages = (f"conv3_block{conv3}_out", f"conv4_block{conv4}_out", "conv5_block3_out")
        file = "weights_tf_dim_ordering_tf_kernels_notop.h5"
        _keras(f"resnet{depth}", f"ResNet{depth}", "resnet", 224, stages, f"resnet/resnet{depth}_{file}", he_2015)
        # V2 halves the map in the last block of a stage and normalises before it adds: the last layer at a stage's own
        # resolution is the sum one block earlier, and the network ends in post_relu.
        stages = (f"conv3_block{conv3 - 1}_out", f"conv4_block{conv4 - 1}_out", "post_relu")
        file = f"resnet/resnet{depth}v2_{file}"
        _keras(f"resnet{depth}_v2", f"ResNet{depth}V2", "resnet_v2", 224, stages, file, he_2016)


def _efficientnets() -> None:
    source = "Tan and Le 2021, arXiv:2104.00298"
    for variant, size, block3, block5 in (
        ("b0", 224, "block3b", "block5e"),
        ("b1", 240, "block3c", "block5f"),
        ("b2", 260, "block3c", "block5f"),
        ("b3", 300, "block3c", "block5g"),
        ("s", 384, "block3d", "block5i"),
    ):
        stages = (f"{block3}_add", f"{block5}_add", "top_activation")
        file = f"efficientnet_v2/efficientnetv2-{variant}_notop.h5"
        _keras(f"efficientnet_v2_{variant}", f"EfficientNetV2{variant.upper()}", "", size, stages, file, source)


_resnets()
_keras(
    "mobilenet",
    "MobileNet",
    "mobilenet",
    224,
    ("conv_pw_5_relu", "conv_pw_11_relu", "conv_pw_13_relu"),
    "mobilenet/mobilenet_1_0_224_tf_no_top.h5",
    "Howard et al. 2017, arXiv:1704.04861",
)
_keras(
    "mobilenet_v2",
    "MobileNetV2",
    "mobilenet_v2",
    224,
    ("block_5_add", "block_12_add", "out_relu"),
    "mobilenet_v2/mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224_no_top.h5",
    "Sandler et al. 2018, arXiv:1801.04381",
)
_efficientnets()
_keras(
    "densenet121",
    "DenseNet121",
    "densenet",
    224,
    ("conv3_block12_concat", "conv4_block24_concat", "relu"),
    "densenet/densenet121_weights_tf_dim_ordering_tf_kernels_notop.h5",
    "Huang et al. 2016, arXiv:1608.06993",
)
_keras(
    "vgg16",
    "VGG16",
    "vgg16",
    224,
    ("block3_conv3", "block4_conv3", "block5_conv3"),
    "vgg16/vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5",
    "Simonyan and Zisserman 2014, arXiv:1409.1556",
)
_keras(
    "xception",
    "Xception",
    "xception",
    299,
    ("add_1", "add_10", "block14_sepconv2_act"),  # its sums have no names of their own: see pretrained
    "xception/xception_weights_tf_dim_ordering_tf_kernels_notop.h5",
    "Chollet 2016, arXiv:1610.02357",
)
_keras(
    "inception_v3",
    "InceptionV3",
    "inception_v3",
    299,
    ("mixed2", "mixed7", "mixed10"),
    "inception_v3/inception_v3_weights_tf_dim_ordering_tf_kernels_notop.h5",
    "Szegedy et al. 2015, arXiv:1512.00567",
)
_keras(
    "convnext_tiny",
    "ConvNeXtTiny",
    "",
    224,
    ("add_5", "add_14", "layer_normalization"),  # its sums have no names of their own: see pretrained
    "convnext/convnext_tiny_notop.h5",
    "Liu et al. 2022, arXiv:2201.03545",
)
BACKBONES.add(
    "small_resnet",
    Backbone(
        "dogcam.models.small_resnet:SmallResNet",
        "dogcam.models.small_resnet:preprocess_input",
        96,
        ("conv3_block1_out", "conv4_block1_out", "conv5_block1_out"),
        "",
        "the demo's bottleneck ResNet, after He et al. 2015",
    ),
)
