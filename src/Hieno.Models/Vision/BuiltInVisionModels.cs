using Hieno.Models.Vision.Beit;
using Hieno.Models.Vision.Clip;
using Hieno.Models.Vision.ConvNeXt;
using Hieno.Models.Vision.Dinov2;
using Hieno.Models.Vision.DoodleNet;
using Hieno.Models.Vision.Inception;
using Hieno.Models.Vision.MobileNetV2;
using Hieno.Models.Vision.ResNet;
using Hieno.Models.Vision.Swin;
using Hieno.Models.Vision.TinyDarknet;
using Hieno.Models.Vision.Vgg;
using Hieno.Models.Vision.Vit;
using Hieno.Models.Vision.VitPytorch;

namespace Hieno.Models.Vision;

/// <summary>The one list of all vision families that are built in.</summary>
public static class BuiltInVisionModels
{
    /// <summary>A catalog of all of them; add your own to it.</summary>
    public static VisionCatalog Catalog() => new VisionCatalog()
        .Add(new CifarResNetFamily())
        .Add(new ResNetFamily())
        .Add(new TorchvisionResNetFamily())
        .Add(new MobileNetV2Family())
        .Add(new TorchvisionMobileNetV2Family())
        .Add(new ConvNeXtFamily())
        .Add(new TorchvisionVggFamily())
        .Add(new TorchvisionInceptionV3Family())
        .Add(new FidInceptionV3Family())
        .Add(new TinyDarknetFamily())
        .Add(new DoodleNetFamily())
        .Add(new VitFamily())
        .Add(new DeitFamily())
        .Add(new Dinov2Family())
        .Add(new BeitFamily())
        .Add(new SwinFamily())
        .Add(new VitPytorchFamily())
        .Add(new ClipVisionFamily("clip"))
        .Add(new ClipVisionFamily("clip_vision_model"));
}
